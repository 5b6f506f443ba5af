"""The connection to a cluster, and its errors as sentences that help."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx2
from lightkube import Client, KubeConfig, codecs
from lightkube.config.client_adapter import user_auth, verify_cluster
from lightkube.core.exceptions import ApiError, ConfigError
from lightkube.resources.core_v1 import Node, Pod

from pytest_bootgate.errors import EngineError

#: How many seconds a call may take.
CALL_TIMEOUT = 15.0
#: A server that is just being restarted is asked again for so long.
_AGAIN, _PAUSE = 10.0, 0.5
_SEE = "docs/kubernetes.md lists what a gate needs"

_T = TypeVar("_T")
FORBIDDEN, GONE, CONFLICT = 403, 404, 409


class Cluster:
    """One namespace of one cluster. Raises `EngineError` where there is none, or it refuses."""

    def __init__(self, context: str | None = None, namespace: str | None = None) -> None:
        try:
            config = KubeConfig.from_env().get(context)
        except (ConfigError, KeyError, OSError, ValueError) as error:
            raise EngineError(
                f"No Kubernetes cluster is configured: {error}. Name one in KUBECONFIG, or its"
                " context in kubernetes: {context: ...}."
            ) from error
        assert config is not None
        self._config = config
        self.context, self.namespace = config.context_name, namespace or config.namespace
        self.client = Client(config, self.namespace, httpx2.Timeout(CALL_TIMEOUT))
        with self.call("reach the cluster"):
            said = self._http.get("version")
            said.raise_for_status()
            self.version = str(said.json()["gitVersion"])

    @property
    def _http(self) -> httpx2.Client:
        http: httpx2.Client = self.client._client._client  # noqa: SLF001
        return http

    def close(self) -> None:
        """Close all connections."""
        self.client.close()

    @contextmanager
    def call(self, what: str) -> Iterator[None]:
        """What is asked inside, with errors that say what was tried."""
        try:
            yield
        except ApiError as error:
            why = (error.status.message or str(error)).rstrip(".")
            hint = f" {_SEE}." if error.status.code in (401, FORBIDDEN) else ""
            raise EngineError(
                f"The cluster of context {self.context} did not {what} in namespace"
                f" {self.namespace}: {why}.{hint}"
            ) from error
        except (httpx2.HTTPError, ConfigError, OSError) as error:
            where = self._config.cluster.server
            raise EngineError(
                f"The Kubernetes API server {where} does not answer ({what}):"
                f" {str(error) or type(error).__name__}. Check `kubectl version`, then rerun."
            ) from error

    # -- what it has -----------------------------------------------------------------------

    def create(self, manifest: Mapping[str, Any]) -> None:
        """Make a pod. Raises `EngineError`."""
        name = manifest["metadata"]["name"]
        with self.call("create a pod"):

            def make() -> None:
                try:
                    self.client.create(codecs.from_dict(dict(manifest)))
                except ApiError as error:
                    # An answer that was lost on its way: it is there already.
                    if error.status.code != CONFLICT or self.pod(name) is None:
                        raise

            again(make)

    def pod(self, name: str) -> Pod | None:
        """A pod as it is just now, None where it is not there."""
        try:
            return again(lambda: self.client.get(Pod, name))
        except ApiError as error:
            if error.status.code == GONE:
                return None
            raise

    def pods(self, labels: Mapping[str, str | None]) -> list[Pod]:
        """The pods with these labels; None takes any value."""
        return again(lambda: [*self.client.list(Pod, labels=dict(labels))])

    def last_words(self, name: str, container: str) -> str:
        """The last lines of a container's log, empty where nobody may read it."""
        where = f"api/v1/namespaces/{self.namespace}/pods/{name}/log"
        with contextlib.suppress(httpx2.HTTPError):
            said = self._http.get(where, params={"container": container, "tailLines": 3})
            return "" if said.is_error else " / ".join(said.text.split("\n")).strip(" /")
        return ""

    def delete(self, name: str) -> None:
        """Remove a pod at once, if it is there."""

        def remove() -> None:
            try:
                self.client.delete(Pod, name, grace_period=0)
            except ApiError as error:
                if error.status.code != GONE:
                    raise

        again(remove)

    def nodes(self, labels: Mapping[str, str]) -> list[Node] | None:
        """The nodes with these labels, None where nobody may list them."""
        try:
            return again(lambda: [*self.client.list(Node, labels=dict(labels))])
        except ApiError as error:
            if error.status.code == FORBIDDEN:
                return None
            raise

    def node(self, name: str) -> Node | None:
        """A node, None where it is gone or nobody may look at it."""
        try:
            return again(lambda: self.client.get(Node, name))
        except ApiError as error:
            if error.status.code in (FORBIDDEN, GONE):
                return None
            raise

    def may(self, verb: str, resource: str, *, group: str = "") -> bool:
        """Whether this user may do so in the namespace. Raises `EngineError`."""
        resource, _, sub = resource.partition("/")
        attributes = {"verb": verb, "resource": resource, "subresource": sub, "group": group}
        attributes["namespace"] = self.namespace
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        with self.call("say what this user may do"):
            said = self._http.post(
                "apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json=body
            )
            said.raise_for_status()
            return bool(said.json()["status"]["allowed"])

    # -- for connections of their own ------------------------------------------------------

    def exec_url(self, pod: str, container: str, command: Sequence[str]) -> str:
        """Where a command in a container is run."""
        streams = [(name, "true") for name in ("stdin", "stdout", "stderr")]
        query = urlencode([("container", container), *streams, *(("command", w) for w in command)])
        server = self._config.cluster.server.rstrip("/").replace("http", "ws", 1)
        return f"{server}/api/v1/namespaces/{self.namespace}/pods/{pod}/exec?{query}"

    def headers(self) -> list[str]:
        """What says who asks."""
        auth = user_auth(self._config.user)
        if auth is None:
            return []
        request = httpx2.Request("GET", self._config.cluster.server)
        with contextlib.closing(auth.sync_auth_flow(request)) as flow:
            asked = next(flow)
        return [f"Authorization: {asked.headers['Authorization']}"]

    def tls(self) -> ssl.SSLContext:
        """By what the server is known."""
        config = self._config
        assert config.user is not None
        return verify_cluster(config.cluster, config.user, config.abs_file)


def again(ask: Callable[[], _T]) -> _T:
    """Ask once more where a server is just being restarted."""
    until = time.monotonic() + _AGAIN
    while True:
        try:
            return ask()
        except ApiError as error:
            if error.status.code is None or error.status.code < 500 or time.monotonic() > until:
                raise
        except httpx2.TransportError:
            if time.monotonic() > until:
                raise
        time.sleep(_PAUSE)
