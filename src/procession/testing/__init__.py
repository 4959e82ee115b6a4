"""The test kit that is shipped: scenarios, the virtual clock and the simulator."""
