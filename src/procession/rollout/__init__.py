"""Rollout: what is known of a host before anybody relies on it. Instances of one host are done again on another one."""
