"""How a lane comes by evidence: the document from its reader, the comparisons from the verifiers."""

from __future__ import annotations

from collections.abc import Callable

from egate.crossing import events as ev
from egate.domain.ids import Token
from egate.domain.reason import Reason
from egate.errors import DeviceError, DeviceTimeout
from egate.lane.api import Guided
from egate.lane.referral import holder_fields
from egate.lane.services import Services
from egate.lane.visit import Visit
from egate.ports import DocumentReader


class Evidence:
    """Asks for one lane; completions go to the lane with the effect's token, guidance to the gate."""

    def __init__(
        self,
        reader: DocumentReader | None,
        services: Services,
        post: Callable[[ev.Event], None],
        tell: Callable[[Guided], None],
    ) -> None:
        self._reader = reader
        self._services = services
        self._post = post
        self._tell = tell

    async def read_document(self, visit: Visit, token: Token, timeout_s: float) -> None:
        assert self._reader is not None
        failure: Reason | None = None
        try:
            visit.samples.document = await self._reader.read(timeout_s)
        except DeviceTimeout:
            failure = Reason.DOCUMENT_NOT_PRESENTED
        except DeviceError:
            failure = Reason.DOCUMENT_READ_FAILED
        self._post(ev.DocumentCompleted(token, failure))

    async def verify_document(self, visit: Visit, token: Token) -> None:
        samples = visit.samples
        assert samples.document is not None
        samples.references = self._services.verifiers.references(samples.document)
        checks, data = await self._services.verifiers.document(samples.document)
        samples.holder = holder_fields(data)
        if data is not None:
            samples.pseudonym = self._services.pseudonym(data.issuing_state, data.document_number)
        self._post(ev.DocumentVerified(token, checks))

    async def verify_face(self, visit: Visit, token: Token, capture: int | None, last: bool) -> None:
        samples = visit.samples
        assert samples.references is not None
        frame = None if capture is None else samples.faces.pop(capture)
        verification = await self._services.verifiers.face(frame, samples.references, samples.view, last)
        samples.images.update(verification.images)
        if verification.guidance:
            self._tell(Guided(verification.guidance))
        self._post(ev.FaceCompleted(token, verification.result))

    async def verify_finger(self, visit: Visit, token: Token, capture: int) -> None:
        samples = visit.samples
        assert samples.references is not None
        verification = await self._services.verifiers.finger(samples.fingers.pop(capture), samples.references)
        samples.images.update(verification.images)
        if verification.guidance:
            self._tell(Guided(verification.guidance))
        self._post(ev.FingerCompleted(token, verification.result))
