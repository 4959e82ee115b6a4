"""What stands at which path. One module a resource; each has `ROUTES`, which `web.app` collects."""
