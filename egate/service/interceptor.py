"""The one door of the service: every RPC, unary or stream, passes through here before its servicer runs.

In this order: who calls (certificate, revocation), may the role call this, is an officer's token needed and valid,
how much does this caller already have under way, is the lane the gate's own. Errors leave as google.rpc.Status.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from inspect import isasyncgen
from traceback import extract_tb
from typing import Any, NoReturn, Protocol

import grpc
import structlog
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, status_pb2

from egate.domain.ids import LaneId, OfficerId
from egate.errors import EgateError
from egate.service.authorise import Rule, authorise, authorise_lane
from egate.service.errors import Exhausted, FieldError, Unauthenticated, internal_status, sole, status_of
from egate.service.identity import Identifier, Identity, Role
from egate.service.settings import MESSAGE_BYTES_MAX

BEARER = "Bearer "
STATUS_METADATA = "grpc-status-details-bin"  # gRPC's key for google.rpc.Status

_log = structlog.get_logger("egate.service")
_caller: ContextVar[Caller | None] = ContextVar("egate_caller", default=None)
Metadata = Iterable[tuple[str, str | bytes]]
Behaviour = Callable[[Any, Any], Any]
Parse = Callable[[bytes], Any]


class Tokens(Protocol):
    """What the door asks about officers' tokens."""

    def officer(self, token: str, identity: Identity) -> OfficerId:
        """Whose token it is. Raises Unauthenticated."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the running RPC is for. officer and token are None where no token is needed."""

    identity: Identity
    officer: OfficerId | None = None
    token: str | None = None

    @property
    def name(self) -> str:
        """The scope of a request_id: a certificate, and at a shared desk the officer as well."""
        return str(self.identity) if self.officer is None else f"{self.identity} {self.officer}"


def caller() -> Caller:
    """The caller of the RPC that runs in this context. Raises LookupError outside of one."""
    who = _caller.get()
    if who is None:
        raise LookupError("no RPC runs here")
    return who


class Doorkeeper(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    def __init__(
        self,
        identifier: Identifier,
        tokens: Tokens,
        gates: Mapping[str, frozenset[LaneId]],
        rpcs_max: int,
        rpcs_per_caller_max: int,
    ) -> None:
        self._identifier = identifier
        self._tokens = tokens
        self._gates = gates
        # Of all calls at once half are the gates': watching consoles must not keep travellers waiting.
        self._rpcs_of_others_max = max(1, rpcs_max // 2)
        self._rpcs_per_caller_max = rpcs_per_caller_max
        self._under_way: Counter[Identity] = Counter()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        handler = await continuation(handler_call_details)
        if handler is None:
            return None  # UNIMPLEMENTED: there is nothing to guard
        return self._guarded(handler, handler_call_details.method)

    def _guarded(self, handler: grpc.RpcMethodHandler, method: str) -> grpc.RpcMethodHandler:
        if handler.request_streaming and handler.response_streaming:
            make, behaviour = grpc.stream_stream_rpc_method_handler, handler.stream_stream
        elif handler.request_streaming:
            make, behaviour = grpc.stream_unary_rpc_method_handler, handler.stream_unary
        elif handler.response_streaming:
            make, behaviour = grpc.unary_stream_rpc_method_handler, handler.unary_stream
        else:
            make, behaviour = grpc.unary_unary_rpc_method_handler, handler.unary_unary

        async def guarded(request: Any, context: grpc.aio.ServicerContext) -> Any:
            try:
                return await self._serve(method, handler, behaviour, request, context)
            except grpc.aio.AbortError:
                raise
            except Exception as error:
                await _refuse(context, method, sole(error))

        # Parsed by us, once the caller is admitted: what grpc.aio answers to bytes that are no message names our classes.
        return make(guarded, None, handler.response_serializer)

    async def _serve(
        self, method: str, handler: grpc.RpcMethodHandler, behaviour: Behaviour, request: Any, context: Any
    ) -> Any:
        rule, who = self._admit(method, context)
        with self._counted(who.identity):
            _caller.set(who)
            if handler.request_streaming:
                request = self._checked(request, handler.request_deserializer, method, context, rule, who)
            else:
                request = _parsed(handler.request_deserializer, request)
                authorise_lane(rule, who.identity, request, self._gates)
            result = behaviour(request, context)
            if not isasyncgen(result):
                return await result
            async with aclosing(result) as responses:
                async for response in responses:
                    self._still(method, context, who)
                    await context.write(response)
            return None

    def _admit(self, method: str, context: Any) -> tuple[Rule, Caller]:
        metadata: Metadata = context.invocation_metadata() or ()
        identity = self._identifier.identify(context.auth_context(), metadata)
        rule = authorise(method, identity)
        if identity.role not in rule.officer_token:
            return rule, Caller(identity)
        token = _bearer(metadata)
        return rule, Caller(identity, self._tokens.officer(token, identity), token)

    def _still(self, method: str, context: Any, before: Caller) -> None:
        """Admits again: a stream outlives logouts, expiries and revocations. Raises as _admit."""
        _, now = self._admit(method, context)
        if now != before:
            raise Unauthenticated("the caller has changed during the stream", code="IDENTITY_INVALID")

    async def _checked(
        self, requests: AsyncIterator[bytes], parse: Parse | None, method: str, context: Any, rule: Rule, who: Caller
    ) -> AsyncIterator[Any]:
        async for data in requests:
            self._still(method, context, who)
            request = _parsed(parse, data)
            authorise_lane(rule, who.identity, request, self._gates)
            yield request

    @contextmanager
    def _counted(self, identity: Identity) -> Iterator[None]:
        if self._under_way[identity] >= self._rpcs_per_caller_max:
            raise Exhausted("too many calls of this caller are under way", code="CALLER_BUSY")
        if identity.role is not Role.GATE and self._of_others() >= self._rpcs_of_others_max:
            raise Exhausted("too many calls are under way", code="SERVICE_BUSY")
        self._under_way[identity] += 1
        try:
            yield
        finally:
            self._under_way[identity] -= 1
            if not self._under_way[identity]:
                del self._under_way[identity]

    def _of_others(self) -> int:
        return sum(count for identity, count in self._under_way.items() if identity.role is not Role.GATE)


def _parsed(parse: Parse | None, data: bytes) -> Any:
    """Raises FieldError, Exhausted MESSAGE_SIZE."""
    if len(data) > MESSAGE_BYTES_MAX:
        raise Exhausted(f"a message must have at most {MESSAGE_BYTES_MAX} bytes", code="MESSAGE_SIZE")
    try:
        return data if parse is None else parse(data)
    except DecodeError:
        raise FieldError("request", "is no message of this method") from None


def _bearer(metadata: Metadata) -> str:
    values = [value for key, value in metadata if key == "authorization"]
    if len(values) != 1 or not isinstance(values[0], str) or not values[0].startswith(BEARER):
        raise Unauthenticated("an officer's token is required", code="TOKEN_MISSING")
    return values[0].removeprefix(BEARER)


async def _refuse(context: Any, method: str, error: BaseException) -> NoReturn:
    if isinstance(error, EgateError):
        status = status_of(error)
        _log.log(_level(status), "rpc refused", method=method, reason=error.code, caller=_name(), peer=context.peer())
    else:
        _log.error("rpc failed", method=method, caller=_name(), error=type(error).__name__, at=_frames(error))
        status = internal_status()
    await abort(context, status)


def _level(status: status_pb2.Status) -> int:
    if status.code == code_pb2.INTERNAL:
        return logging.ERROR
    # Somebody tries what is not theirs.
    return logging.WARNING if status.code in (code_pb2.PERMISSION_DENIED, code_pb2.UNAUTHENTICATED) else logging.INFO


def _name() -> str:
    who = _caller.get()
    return "" if who is None else who.name


def _frames(error: BaseException) -> list[str]:
    # Not the message and not the variables: either may hold what a document says.
    return [f"{frame.name}:{frame.lineno}" for frame in extract_tb(error.__traceback__)[-8:]]


async def abort(context: Any, status: status_pb2.Status) -> NoReturn:
    """Ends the RPC with a google.rpc.Status."""
    code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
    await context.abort(code, status.message, ((STATUS_METADATA, status.SerializeToString()),))
    raise AssertionError("abort returned")
