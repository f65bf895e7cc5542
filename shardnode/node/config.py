"""The node's options: one flat table; flags override the environment (`AUCTION_*`), which overrides the TOML file,
which overrides defaults.

`docs/operating.md` describes every option, and a test holds the two together. Limits that an operator has no reason
to change are constants beside what they limit.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec
from msgspec.structs import replace

from shardnode.cluster.file import ClusterConfig, ClusterFault, read_cluster
from shardnode.cluster.map import NodeEntry

ENVIRONMENT_PREFIX = "AUCTION_"
DEFAULT_PORT = 7117
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - recognized here, not chosen

Count = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class ConfigProblem(Exception):
    """An option cannot be used; the text names it, where it came from, and the mend."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that an operator may set."""

    data: Path = Path("data")
    """The data directory; made if it is not there."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = DEFAULT_PORT
    """Port to listen on; 0 takes a free one, told in the `ready` line."""
    node_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,32}\Z")] = "n1"
    """The node's name, in keys, metrics and logs, and in the cluster's file."""
    cluster: Path | None = None
    """The cluster's file, `cluster.toml`, of which the node is part; host and port come from it."""
    rules: Path | None = None
    """House rules to overlay, a TOML file with one table `[rules]`."""
    tls_cert: Path | None = None
    """PEM file with the certificate chain; with `tls_key`, the port speaks TLS only."""
    tls_key: Path | None = None
    """PEM file with the certificate's private key."""
    token_key: Path | None = None
    """PEM file with the public key of the operator's own token issuer; its tokens are good beside the house's own."""
    log_format: Literal["auto", "json", "pretty"] = "auto"
    """JSON lines, readable lines, or whichever fits standard error."""
    log_level: Literal["debug", "info", "warn", "error"] = "info"
    """The least level that is logged."""
    connections_max: Count = 10_000
    """Sockets at once; a further one is closed with 1013."""
    connections_per_address_max: Count = 1_000
    """Sockets from one address at once."""
    requests_per_s: Count = 2_000
    """Requests a second that one connection may send on the average."""
    requests_burst: Count = 4_000
    """Requests that one connection may send at once."""
    awake_stores_max: Count = 50_000
    """Stores in memory at once."""
    dirty_stores_max: Count = 10_000
    """Stores whose file may lag behind the journal; beyond it mutations are refused until checkpoints caught up."""
    store_idle_s: Seconds = 300.0
    """A store that nobody asked for so long leaves memory."""
    checkpoint_interval_s: Seconds = 5.0
    """Time between checkpoints."""
    stop_s: Seconds = 10.0
    """How long a stop by signal may take to drain and checkpoint before the node ends all the same (the journal has
    everything).
    """


class Held(msgspec.Struct, frozen=True):
    """A configuration and where each of its values came from."""

    config: Config
    origins: dict[str, str]
    """Option → "default", the file's name, the variable's name, or the flag."""
    cluster: ClusterConfig | None = None
    """What the cluster's file says, if the node is part of a cluster."""


def read_config(flags: Mapping[str, object], environment: Mapping[str, str], file: Path | None) -> Held:
    """Put the options together; raises ConfigProblem naming the option, its origin and the mend."""
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Config.__struct_fields__, "default")
    for origin, given in (
        *_from_file(file, environment),
        *_from_environment(environment),
        *((f"--{name.replace('_', '-')}", {name: value}) for name, value in flags.items() if value is not None),
    ):
        for name, value in given.items():
            _check(name, value, origin)
            values[name] = value
            origins[name] = origin
    config = msgspec.convert(values, Config, strict=False, dec_hook=_path)
    if (config.tls_cert is None) != (config.tls_key is None):
        raise ConfigProblem("tls_cert and tls_key belong together: set both, or neither")
    return Held(config, origins) if config.cluster is None else _in_cluster(config, config.cluster, origins)


def _in_cluster(config: Config, path: Path, origins: dict[str, str]) -> Held:
    """A node of a cluster listens where the cluster's file says; whatever else was given must agree."""
    try:
        cluster = read_cluster(path)
    except ClusterFault as fault:
        raise ConfigProblem(str(fault)) from fault
    names = ", ".join(cluster.map.nodes)
    if origins["node_id"] == "default":
        raise ConfigProblem(f"{path} has the nodes {names}; say with --node-id which of them this is")
    node = cluster.map.nodes.get(config.node_id)
    if node is None:
        raise ConfigProblem(f"{origins['node_id']}: {path} has no node {config.node_id!r}; choose one of {names}")
    if (config.tls_cert is None) != (cluster.tls_ca is None):
        raise ConfigProblem(
            f"{path}: nodes talk by TLS with one another where they do with clients; set tls_ca there, and tls_cert "
            "and tls_key for each node, or none of them"
        )
    host = _listen_host(config, node, path, origins)
    if origins["port"] != "default" and config.port != node.port:
        raise ConfigProblem(
            f"{origins['port']}: port {config.port} is not the one of {node.id} in {path}, {node.port}; leave it out, "
            "or change it there, for all nodes"
        )
    return Held(
        replace(config, host=host, port=node.port),
        {**origins, "port": str(path), "host": origins["host"] if host != node.host else str(path)},
        cluster,
    )


def _listen_host(config: Config, node: NodeEntry, path: Path, origins: dict[str, str]) -> str:
    """The node's address in the file, or every address of the machine if that was asked for."""
    if origins["host"] == "default" or config.host == node.host:
        return node.host
    if config.host in EVERY_ADDRESS:
        return config.host
    raise ConfigProblem(
        f"{origins['host']}: host {config.host} is not the one of {node.id} in {path}, {node.host}; leave it out, or "
        "listen on every address with 0.0.0.0 or ::"
    )


def _check(name: str, value: object, origin: str) -> None:
    if name not in Config.__struct_fields__:
        known = ", ".join(Config.__struct_fields__)
        raise ConfigProblem(f"{origin}: there is no option {name!r}; the options are {known}")
    try:
        msgspec.convert({name: value}, Config, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise ConfigProblem(f"{origin}: {name} = {value!r} cannot be used: {_expected(name, error)}") from error


def _expected(name: str, error: msgspec.ValidationError) -> str:
    words = get_args(get_type_hints(Config)[name])
    return f"choose one of {', '.join(words)}" if "Invalid enum value" in str(error) else str(error).split(" - at ")[0]


def _path(kind: type, value: object) -> Path:
    """Make the one type that TOML and environment have no form of."""
    assert kind is Path, kind
    if not isinstance(value, str | Path):
        raise ValueError("expected a path")  # noqa: TRY004 - what msgspec turns into its own error
    return Path(value)


def _from_file(file: Path | None, environment: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    named = environment.get(f"{ENVIRONMENT_PREFIX}CONFIG")
    path = file or (Path(named) if named else None)
    if path is None:
        return []
    try:
        return [(str(path), tomllib.loads(path.read_text("utf-8")))]
    except OSError as error:
        raise ConfigProblem(f"{path}: cannot be read ({error.strerror}); give --config an existing file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigProblem(f"{path}: is not TOML: {error}; mend it there") from error


def _from_environment(environment: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (ENVIRONMENT_PREFIX + name.upper(), {name: environment[ENVIRONMENT_PREFIX + name.upper()]})
        for name in Config.__struct_fields__
        if ENVIRONMENT_PREFIX + name.upper() in environment
    ]


def show_config(held: Held) -> str:
    """What holds and where it came from, as TOML with comments."""
    lines = []
    for name in Config.__struct_fields__:
        value = getattr(held.config, name)
        if value is None:
            lines.append(f"# {name} is not set")
        else:
            text = value if isinstance(value, int | float) else f'"{value}"'
            lines.append(f"{name} = {text}  # {held.origins[name]}")
    return "\n".join(lines)
