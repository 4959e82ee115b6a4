"""What clients ask about the server: its topology, which is one broker with one partition, and its health."""

from __future__ import annotations

from typing import Final

from procession.base.failure import NotFound
from procession.web.zeebe import gateway_pb2 as pb
from procession.web.zeebe import health_pb2 as health
from procession.web.zeebe.calls import Call

SERVICE: Final = "gateway_protocol.Gateway"


async def topology(call: Call, request: pb.TopologyRequest) -> pb.TopologyResponse:
    """One broker: how many processes serve, and who owns which shard, is nothing that a client has to know."""
    await call.caller()
    host, port = call.gateway.address
    version = call.gateway.site.version
    partition = pb.Partition(
        partitionId=1, role=pb.Partition.PartitionBrokerRole.LEADER, health=pb.Partition.PartitionBrokerHealth.HEALTHY
    )
    broker = pb.BrokerInfo(nodeId=0, host=host, port=port, partitions=[partition], version=version)
    return pb.TopologyResponse(
        brokers=[broker], clusterSize=1, partitionsCount=1, replicationFactor=1, gatewayVersion=version
    )


async def check(call: Call, request: health.HealthCheckRequest) -> health.HealthCheckResponse:
    """Whether the gateway serves. Asked by load balancers, which nobody knows."""
    if request.service not in {"", SERVICE}:
        raise NotFound(f"no service {request.service!r:.80}")
    return health.HealthCheckResponse(status=health.HealthCheckResponse.SERVING)
