"""The simulator: seeded runs of the embedded host under faults, with a ledger that holds every commit to its promises.

`simulate` runs one seed. The real interpreter, correlation, pump, writer and SQLite store are used; the processes,
their clock, their disk's failures, and everybody who asks them for something are simulated.
"""

from procession.testing.sim.simulate import Report, SimulationFailed, simulate

__all__ = ["Report", "SimulationFailed", "simulate"]
