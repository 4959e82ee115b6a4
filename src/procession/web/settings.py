"""The settings of a server, as one tree of frozen structs. Data only: where they come from is settings_reader's.

A text under a field is its description in docs/reference/settings.md. A field of the type `Secret` is set from the
environment or from a file of its own (`<name>_file`), never in the settings' file.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias, final

import msgspec
from msgspec import Meta

SECRET: Final = "secret"
Secret: TypeAlias = Annotated[str, Meta(extra={SECRET: True})]
Port: TypeAlias = Annotated[int, Meta(ge=0, le=65_535)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=86_400)]
Patience: TypeAlias = Annotated[float, Meta(ge=0.1, le=600)]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Many: TypeAlias = Annotated[int, Meta(ge=1)]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]
LogFormat: TypeAlias = Literal["json", "text"]
Shown: TypeAlias = Literal["callers", "loopback", "everybody", "off"]
Switch: TypeAlias = Literal["auto", "on", "off"]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all parts (data inheritance only: no behaviour)."""


@final
class Server(Part, frozen=True, kw_only=True):
    """Where the API listens, and how it ends."""

    host: str = "127.0.0.1"
    """The address to listen at. An address of the network needs callers that are known: see `identity`."""
    port: Port = 8080
    """Its port; 0 takes a free one, which is printed."""
    tls_certificate_file: str = ""
    """A chain of certificates in PEM: the server speaks TLS itself."""
    tls_key_file: str = ""
    """The key of the certificate, in PEM."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""
    concurrency_max: Count = 10_000
    """Connections and requests at the same time, above which 503 is answered; 0 for no bound."""
    keep_alive_seconds: Many = 30
    """How long a connection without a request is kept."""
    drain_delay_seconds: Seconds = 0.0
    """How long requests are still taken after SIGTERM, while /health/ready says 503: load balancers need some time."""
    drain_seconds: Seconds = 30.0
    """How long requests and jobs under way may go on after that."""


@final
class Store(Part, frozen=True, kw_only=True):
    """Where everything is kept."""

    url: str = "procession.db"
    """The path of an SQLite file, or `postgresql://user@host/database`; of several hosts the one that takes writes:
    `postgresql://user@one:5432,two:5432/database?target_session_attrs=read-write`."""
    password: Secret = ""
    """The password of the database, which does not stand in the URL."""
    reader_url: str = ""
    """The database once more, with a user who has the role procession_api alone: as him is read what a tenant sees."""
    reader_password: Secret = ""
    """The password of that user."""
    shards: Annotated[int, Meta(ge=0, le=256)] = 0
    """Parts that may have different owners, chosen once, when the store is made: as many processes can share it. 0: 8
    in a database, 1 in a file."""
    zone: str = "UTC"
    """What local times of timers mean: a name of the IANA time zone database."""


@final
class Encryption(Part, frozen=True, kw_only=True):
    """Master keys. With them the values of each tenant are sealed with keys of its own: from the store's beginning on,
    or not at all."""

    master_keys: str = ""
    """A file that nobody else may read: `active = "id"`, and `[keys]` with 32 bytes in Base64 for each id."""
    master_key: Secret = ""
    """One master key in Base64, instead."""
    tenant_keys: str = ""
    """A folder for the wrapped keys of tenants, of this store alone; "" for in the store."""


@final
class TenantStore(Part, frozen=True, kw_only=True):
    """A tenant with a store of its own; its environments live there too. `[tenants.acme]` is that of `acme`."""

    store: str = ""
    """The path of an SQLite file, or `postgresql://user@host/database`. It has to be said."""
    password: Secret = ""
    """The password of the database."""
    master_keys: str = ""
    """A file of master keys that are its own; "" for those of the server, if it has any."""
    tenant_keys: str = ""
    """A folder for its wrapped keys; "" for in the store."""


@final
class Workers(Part, frozen=True, kw_only=True):
    """Python functions that do jobs in this process."""

    functions: tuple[str, ...] = ()
    """`module:object` each, as `--workers`."""
    threads: Count = 4
    """Jobs done at the same time; without functions none are started."""


@final
class Scripts(Part, frozen=True, kw_only=True):
    """Scripts of models, in JavaScript and TypeScript. They need the extra `js`, and Deno the extra `deno`."""

    runtime: Literal["cages", "trusted", "off"] = "cages"
    """`cages`: in processes that are one tenant's each, confined. `trusted`: in the server's process, without a wall,
    for one tenant whose scripts are your own. `off`: not in this process; other workers may do their jobs."""
    threads: Count = 4
    """Scripts that this process does at the same time."""
    seconds: Annotated[float, Meta(ge=0.01, le=60)] = 1.0
    """How long one script may compute."""
    wall_seconds: Annotated[float, Meta(ge=0.01, le=300)] = 5.0
    """How long it may take while others compute."""
    memory_mb: Annotated[int, Meta(ge=1, le=1_024)] = 32
    """Megabytes that it may take."""
    processes: Count = 0
    """Processes for scripts in all; 0 for two a core, and four at least."""
    processes_per_tenant: Count = 0
    """Processes that one tenant may have; 0 for one a core."""


@final
class Provider(Part, frozen=True, kw_only=True):
    """A provider of OpenID Connect whose tokens are believed. The environment takes the list as JSON."""

    issuer: str
    """Its URL, as the claim `iss` says it; `/.well-known/openid-configuration` is read from there."""
    audience: str
    """What the claim `aud` has to hold."""
    tenant_claim: str = "tenant"
    """The claim that names the tenant."""
    roles_claim: str = "roles"
    """The claim that lists roles."""
    groups_claim: str = "groups"
    """The claim that lists candidate groups of user tasks."""
    user_claim: str = "preferred_username"
    """The claim under which user tasks are assigned."""


@final
class Identity(Part, frozen=True, kw_only=True):
    """Who is known."""

    open: bool = False
    """Lets everybody in as the admin of the tenant that the header `Procession-Tenant` names. Loopback alone."""
    oidc: tuple[Provider, ...] = ()
    """Providers of OpenID Connect."""
    clock_skew_seconds: Seconds = 30.0
    """How far the clocks of providers may be off."""
    admin_key: Secret = ""
    """The key of the server's first administrator. Without it one is made at the first start, and printed once."""


@final
class Limits(Part, frozen=True, kw_only=True):
    """What one request, and one tenant, may use. 0 is no bound. A tenant's own limits go before those here."""

    body_bytes_max: Annotated[int, Meta(ge=1_024, le=1 << 30)] = 10_000_000
    """The largest body of a request; documents have a bound of their own."""
    requests_per_second: Count = 0
    """Requests of a tenant."""
    requests_burst: Count = 0
    """How many of them may come at once; 0: those of one second."""
    starts_per_second: Count = 0
    """Instances that a tenant starts."""
    instances_max: Count = 0
    """Active instances of a tenant."""
    jobs_per_second: Count = 0
    """Jobs that are given to workers of a tenant."""
    storage_bytes_max: Count = 0
    """What a tenant may store, documents included."""
    variables_bytes_max: Count = 0
    """The variables of one request."""


@final
class Gateway(Part, frozen=True, kw_only=True):
    """The gateway for clients of Zeebe (gRPC)."""

    enabled: Switch = "auto"
    """`auto`: if its libraries are there (`procession[zeebe]`)."""
    host: str = "127.0.0.1"
    """The address to listen at."""
    port: Port = 26_500
    """Its port; 0 takes a free one."""
    tls_certificate_file: str = ""
    """A chain of certificates in PEM."""
    tls_key_file: str = ""
    """The key of the certificate, in PEM."""


@final
class Webhooks(Part, frozen=True, kw_only=True):
    """Calls to the outside."""

    allow_private: bool = False
    """Whether they may go to addresses of private networks."""
    timeout_seconds: Patience = 10.0
    """How long a receiver may take."""
    attempts_max: Annotated[int, Meta(ge=1, le=10)] = 10
    """How often one is tried; the tenth attempt is made three days after the first."""


@final
class Player(Part, frozen=True, kw_only=True):
    """Journeys that people play in a browser."""

    url: str = ""
    """Where people reach the server, as `https://forms.example.com`: it stands in messages and links. Without it no
    links are sent."""
    frame_ancestors: tuple[str, ...] = ()
    """Origins whose pages may show journeys in a frame, as `https://www.example.com`; none by default."""
    requests_per_second: Many = 20
    """Requests of one session; three times as many may come at once."""
    starts_per_minute: Many = 30
    """Starts, links that are opened, and codes, each from one address."""


@final
class Mail(Part, frozen=True, kw_only=True):
    """The SMTP server that takes e-mails to people who play journeys. Without a host none are sent."""

    host: str = ""
    """Its name."""
    port: Port = 587
    """Its port."""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is sealed: after STARTTLS, from its first byte, or not at all."""
    user: str = ""
    """Who signs in there; "" for nobody."""
    password: Secret = ""
    """The password of the user."""
    sender: str = ""
    """The address that e-mails come from, as `Claims <claims@example.com>`."""
    timeout_seconds: Patience = 10.0
    """How long it may take."""


@final
class Sms(Part, frozen=True, kw_only=True):
    """The gateway that takes SMS to people who play journeys: it is asked by POST with `to`, `text` and `language`."""

    url: str = ""
    """Its address; "" for none. It has to be public, unless webhooks may go to private networks."""
    secret: Secret = ""
    """What the requests are signed with, as webhooks are: `whsec_` and 32 bytes in Base64."""
    timeout_seconds: Patience = 10.0
    """How long it may take."""


@final
class Telemetry(Part, frozen=True, kw_only=True):
    """What the server tells of itself. Traces are set up by the variables `OTEL_*`."""

    log_level: LogLevel = "info"
    """The least that is logged: debug, info, warning or error."""
    log_format: LogFormat = "json"
    """One JSON document a line, or text for people."""
    log_requests: bool = True
    """Whether there is a line for each request."""
    metrics: Shown = "callers"
    """Who may read /metrics: callers with the permission `metrics:read`, loopback, everybody, or nobody (`off`)."""
    metrics_port: Port = 0
    """A port of its own for /metrics on loopback, for everybody there; 0 for none."""
    tenants_top: Annotated[int, Meta(ge=0, le=100)] = 10
    """How many tenants metrics name: those with the largest shares."""


@final
class Documents(Part, frozen=True, kw_only=True):
    """Files that belong to instances."""

    bytes_max: Annotated[int, Meta(ge=1)] = 100_000_000
    """The largest one."""
    types: tuple[str, ...] = ()
    """Media types that are taken, of those that are looked at; none: all of them."""
    url: str = ""
    """Where their bytes are kept: `file:///folder`, or `s3://bucket/prefix?endpoint=https://…&region=…` with
    credentials from the environment; "" for in the store. Those that were stored before stay where they are."""
    scanner: str = ""
    """ClamAV's daemon, as `host:3310` or as the path of its socket: nobody gets what it did not find clean."""
    uploads_max: Many = 1_000
    """Uploads of a tenant that are under way, piece by piece."""
    upload_hours: Many = 24
    """How long one of them may be gone on with."""


@final
class Papers(Part, frozen=True, kw_only=True):
    """Papers that are made of documents (`procession[player]`): previews, forms, pages, signatures."""

    certificate_file: str = ""
    """What seals what was signed: PKCS#12, or a chain of certificates in PEM; without one nothing is signed."""
    key_file: str = ""
    """The key of the certificate in PEM, where that is not in PKCS#12."""
    password: Secret = ""
    """The password of the key."""
    timestamps_url: str = ""
    """A timestamp authority (RFC 3161) that is asked for each seal; "" for none."""
    roots_file: str = ""
    """Certificates in PEM that are believed when seals are looked at, beside the server's own chain."""
    seconds: Patience = 30.0
    """How long one paper may take."""
    memory_megabytes: Annotated[int, Meta(ge=256, le=16_384)] = 1_024
    """How much memory one may take."""


@final
class Cors(Part, frozen=True, kw_only=True):
    """Web pages of other origins that may use the API."""

    origins: tuple[str, ...] = ()
    """Origins, as `https://app.example.com`."""


@final
class Retention(Part, frozen=True, kw_only=True):
    """How long is kept what is over. 0 keeps it."""

    history_days: Count = 0
    """The history of what ended so long ago goes, and what was counted of journeys then."""
    instances_days: Count = 0
    """Instances that ended so long ago go altogether."""
    every_minutes: Many = 60
    """How often it is looked."""


@final
class Temporal(Part, frozen=True, kw_only=True):
    """A cluster of Temporal that runs the instances which start from now on; what is deployed, waits and is shown stays
    in the store, which has one shard then. Tenants with a store of their own stay in it. Needs the extra `temporal`."""

    address: str = ""
    """`host:port`; "" for no cluster, or for the cell's."""
    namespace: str = "default"
    """The namespace of the workflows."""
    queue: str = "procession"
    """The task queue of the workflows; jobs of a type are in `QUEUE-jobs-TYPE`."""
    cell: str = ""
    """The file of a cell, which says namespace and queue of each tenant, instead."""
    processes: tuple[str, ...] = ()
    """The ids of the processes that start there; all by default."""
    external: tuple[str, ...] = ()
    """Types of jobs that are offered by this server's API instead of being activities."""
    work: bool = True
    """Whether this process runs a worker of workflows; else `procession worker temporal` must run somewhere."""

    @property
    def is_set(self) -> bool:
        """Whether there is a cluster at all."""
        return bool(self.address or self.cell)


@final
class Settings(Part, frozen=True, kw_only=True):
    """All of a server."""

    server: Server = Server()
    store: Store = Store()
    encryption: Encryption = Encryption()
    tenants: dict[str, TenantStore] = {}
    temporal: Temporal = Temporal()
    workers: Workers = Workers()
    scripts: Scripts = Scripts()
    identity: Identity = Identity()
    limits: Limits = Limits()
    gateway: Gateway = Gateway()
    webhooks: Webhooks = Webhooks()
    player: Player = Player()
    mail: Mail = Mail()
    sms: Sms = Sms()
    telemetry: Telemetry = Telemetry()
    documents: Documents = Documents()
    papers: Papers = Papers()
    cors: Cors = Cors()
    retention: Retention = Retention()
