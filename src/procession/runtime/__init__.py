"""What all hosts share: the codec, linking, replay, and the ports that a host fills. It opens no store."""
