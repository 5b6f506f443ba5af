"""An operator's own configuration under the gate: no provider and no channel is reached.

What it must not touch is what the operator wants to see booted: agents, bindings, tools, MCP
servers and plugins stay as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

#: What stands for every secret that a gateway needs to start.
PLACEHOLDER = "bootgate"
#: Into this all is written that is written into any.
BLANK: dict[str, Any] = {"agents": {"defaults": {"sandbox": {}}}}
_STUB_MODEL = "stub/stub-1"
_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_][A-Z0-9_]*)\}")
_SECRET = re.compile(r"(?i)key|token|secret|passw|credential")
#: Where nothing is redirected: what they call is their own, and no network is there.
_OWN = ("mcp", "plugins")
#: Credentials, ways to other machines, and what a gate has no use for.
_LEFT_OUT = ("auth", "secrets", "discovery", "proxy")
_OF_GATEWAY = ("tls", "tailscale", "remote", "customBindHost", "push")
#: The marks are lines of the console; `OPENCLAW_LOG_LEVEL` says which are printed.
_OF_LOGGING = ("level", "consoleLevel", "consoleStyle", "file")
_OF_PROVIDER = ("headers", "auth", "authHeader", "request", "localService", "agentRuntime")
_OF_MODEL = ("api", "baseUrl", "headers", "agentRuntime")
#: Entries of `channels` that are no channel.
_NO_CHANNEL = ("defaults", "modelByChannel")
_NAMES_MODEL = re.compile(r"(?i)model$|^primary$|^fallbacks$")
_MODEL = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)/(\S+)")
#: Whose a model is that is named without a provider, unless just one other has it.
_DEFAULT_PROVIDER = "openai"


def adapted(
    config: dict[str, Any], variables: Mapping[str, str], env: Mapping[str, str], path: Path
) -> dict[str, Any]:
    """The configuration for a gateway with this environment; see `presets.Overlay`.

    Variables that `env` does not have, and references to secrets, become `PLACEHOLDER`. Paths into
    the directory of the state, which is that of the file or ``~/.openclaw``, are those of the
    gate's copy.
    """
    state = env.get("OPENCLAW_STATE_DIR", "/state")
    homes = ("~/.openclaw", str(path.parent))
    result = {
        key: _plain(each, env, homes, state) for key, each in config.items() if key not in _LEFT_OUT
    }
    stub = f"http://127.0.0.1:{variables['port.model']}/v1"
    result = {key: each if key in _OWN else _redirected(each, stub) for key, each in result.items()}
    _gateway(result, variables, env)
    _rest(result)
    if isinstance(channels := result.get("channels"), dict):
        for name in channels.keys() - set(_NO_CHANNEL):
            channels[name] = {"enabled": False}
    _agents(result, f"{state}/workspace")
    _providers(result, stub)
    return result


def _plain(tree: Any, env: Mapping[str, str], homes: tuple[str, ...], state: str) -> Any:
    """A copy without references to what is outside of the gate."""
    if isinstance(tree, dict):
        if {"source", "id"} <= tree.keys() <= {"source", "provider", "id"}:
            return PLACEHOLDER
        return {key: _plain(each, env, homes, state) for key, each in tree.items()}
    if isinstance(tree, list):
        return [_plain(each, env, homes, state) for each in tree]
    if not isinstance(tree, str):
        return tree
    text = _VARIABLE.sub(lambda one: one[0] if one[1] in env else PLACEHOLDER, tree)
    for home in homes:
        if text == home or text.startswith(f"{home}/"):
            return state + text[len(home) :]
    return text


def _redirected(tree: Any, stub: str) -> Any:
    """A copy in which every address of a provider is the stub's, wherever one stands."""
    if isinstance(tree, list):
        return [_redirected(each, stub) for each in tree]
    if not isinstance(tree, dict):
        return tree
    found = {key: _redirected(each, stub) for key, each in tree.items()}
    for key, value in (("baseUrl", stub), ("apiKey", PLACEHOLDER)):
        if key in found:
            found[key] = value
    return _without(found, ("agentRuntime",))


def _without(tree: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: each for key, each in tree.items() if key not in keys}


def _section(tree: dict[str, Any], key: str) -> dict[str, Any]:
    """A mapping of a mapping; made where there is none."""
    if not isinstance(tree.get(key), dict):
        tree[key] = {}
    found: dict[str, Any] = tree[key]
    return found


def _gateway(config: dict[str, Any], variables: Mapping[str, str], env: Mapping[str, str]) -> None:
    own = _without(_section(config, "gateway"), _OF_GATEWAY)
    config["gateway"] = {
        **own,
        "mode": "local",
        "bind": "loopback",
        "port": int(variables["port.gateway"]),
        "auth": {"mode": "token", "token": env.get("OPENCLAW_GATEWAY_TOKEN", "")},
    }
    _section(config, "cron")["enabled"] = True


def _rest(config: dict[str, Any]) -> None:
    """What only a part of the operators has, and would disturb a gate."""
    left_out = {"logging": _OF_LOGGING, "diagnostics": ("otel",), "hooks": ("gmail",)}
    for key, entries in left_out.items():
        if isinstance(own := config.get(key), dict):
            config[key] = _without(own, entries)
    if isinstance(env := config.get("env"), dict):
        env.pop("shellEnv", None)
        for holder in (env, _section(env, "vars") if "vars" in env else {}):
            for name, text in holder.items():
                if isinstance(text, str) and _SECRET.search(name):
                    holder[name] = PLACEHOLDER


def _agents(config: dict[str, Any], workspace: str) -> None:
    agents = _section(config, "agents")
    defaults = _section(agents, "defaults")
    others = _dicts(agents.get("list"))
    _section(defaults, "heartbeat")
    for agent in (defaults, *others):
        if isinstance(heartbeat := agent.get("heartbeat"), dict):
            heartbeat["every"] = "24h"
        if isinstance(sandbox := agent.get("sandbox"), dict):
            sandbox["mode"] = "off"  # there is no engine in the container
    defaults.setdefault("model", {"primary": _STUB_MODEL})
    defaults.setdefault("workspace", workspace)


def _providers(config: dict[str, Any], stub: str) -> None:
    """Every provider that is configured, or named anywhere, has its models at the stub.

    One that is only named, and whose plugin is off, stays as it is: it is not reached anyway.
    """
    providers = _section(_section(config, "models"), "providers")
    for name, own in providers.items():
        providers[name] = _without(own if isinstance(own, dict) else {}, _OF_PROVIDER)
    agents, hooks = config["agents"], config.get("hooks")
    texts = [*_named(agents), *_named(hooks)]
    named_models = [(one[1], one[2]) for each in texts if (one := _MODEL.fullmatch(each.strip()))]
    had = [(name, str(one.get("id"))) for name, own in providers.items() for one in _models(own)]
    pairs = {(name.strip().lower(), model.lower()) for name, model in [*had, *named_models]}
    held = Counter(model for _, model in pairs)
    bare = [each for each in _without_provider(agents, hooks) if held[each.lower()] != 1]
    named_models += [(_DEFAULT_PROVIDER, each) for each in bare]
    spelled = {name.strip().lower(): name for name in providers}  # a gateway minds no case
    off = {*_off(config.get("plugins"))}
    for name, model in named_models:
        called = spelled.get(name.lower(), name.lower())
        if called in providers or called not in off:
            _section(providers, called).setdefault("named", []).append(model)
    for provider_name, provider in providers.items():
        models = _models(provider)
        named = dict.fromkeys(provider.pop("named", ()))
        more = named.keys() - {"*", *(one.get("id") for one in models)}
        offered = [_without(one, _OF_MODEL) for one in models]
        offered += [{"id": name, "name": name} for name in named if name in more]
        at_stub = {"baseUrl": stub, "apiKey": PLACEHOLDER, "api": "openai-completions"}
        providers[provider_name] = {**at_stub, **provider, **at_stub, "models": offered}


def _models(provider: Mapping[str, Any]) -> list[dict[str, Any]]:
    return _dicts(provider.get("models"))


def _dicts(listed: Any) -> list[dict[str, Any]]:
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _without_provider(agents: Mapping[str, Any], hooks: Any) -> Iterator[str]:
    """The models that agents and hooks talk to whose name is neither `PROVIDER/NAME` nor an alias.

    Models beside these, as of an embedding, have keys of their own for the provider.
    """
    defaults = agents["defaults"]
    known = defaults.get("models")
    known = known if isinstance(known, dict) else {}
    aliases = [str(one.get("alias")).lower() for one in _dicts([*known.values()])]
    mappings = hooks.get("mappings") if isinstance(hooks, dict) else None
    for one in (defaults, *_dicts(agents.get("list")), *_dicts(mappings)):
        model = one.get("model")
        name = model.get("primary") if isinstance(model, dict) else model
        if isinstance(name, str) and name.strip().lower() not in ("", *aliases) and "/" not in name:
            yield name.strip()
    yield from (name for name in known if name != "*" and "/" not in name)


def _off(plugins: Any) -> Iterator[str]:
    """The plugins that the operator switched off."""
    if isinstance(plugins, dict):
        entries, denied = plugins.get("entries"), plugins.get("deny")
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, dict) and entry.get("enabled") is False:
                yield name
        yield from map(str, denied if isinstance(denied, list) else ())


def _named(tree: Any, key: str = "") -> Iterator[str]:
    """Every text that may name a model."""
    if isinstance(tree, dict):
        if key == "models":
            yield from tree
        for name, each in tree.items():
            inner = key if _NAMES_MODEL.search(key) and not _NAMES_MODEL.search(name) else name
            yield from _named(each, inner)
    elif isinstance(tree, list):
        for each in tree:
            yield from _named(each, key)
    elif isinstance(tree, str) and _NAMES_MODEL.search(key):
        yield tree
