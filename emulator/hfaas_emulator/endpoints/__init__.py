"""HTTP endpoints of functions: REST and HTTP APIs of API Gateway, and function URLs. `service.py` is read first."""
