"""The gateway that Zeebe's clients speak to: gRPC, `gateway_protocol.Gateway`. `server.serve_gateway` opens it."""
