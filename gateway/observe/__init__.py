"""What operators see of a running service: log, traces, Prometheus."""
