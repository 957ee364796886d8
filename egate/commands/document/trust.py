"""`egate document trust`: import CSCA certificates and lists into a trust store, and look at what it holds."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from egate.commands.answer import EXIT_DONE, EXIT_NEGATIVE, with_named_errors
from egate.document.pki.certificate import Certificate
from egate.document.pki.crl import Crl
from egate.document.pki.trust import STALE_DAYS, TrustStore
from egate.errors import ConfigurationError, DocumentError
from egate.trust.contents import Contents, Source
from egate.trust.report import ImportReport, ItemReport
from egate.trust.store import import_files, load_contents

ID_SIZE_MIN = 6  # hex digits that name an item
SHOWN_MAX = 20  # refusals of one file printed in words; --json has them all


def register(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser(
        "trust", help="keep the trust store of CSCAs and lists; exit 0 done, 1 something refused, 2 error"
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    taker = verbs.add_parser("import", help="take in what a pinned CSCA, or the store, vouches for")
    taker.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="certificates, CRLs, lists: DER, PEM, ZIP, LDIF"
    )
    taker.add_argument(
        "--csca", action="append", default=[], type=Path, metavar="FILE", help="pin this CSCA; repeatable"
    )
    taker.add_argument("--allow-older", action="store_true", help="take lists older than those in the store")
    taker.set_defaults(run=run_import)
    lister = verbs.add_parser("list", help="what the store holds")
    lister.set_defaults(run=run_list)
    shower = verbs.add_parser("show", help="one certificate, CRL or list in full")
    shower.add_argument("id", metavar="ID", help=f"SHA-256, or at least {ID_SIZE_MIN} digits of it")
    shower.set_defaults(run=run_show)
    for verb in (taker, lister, shower):
        verb.add_argument("--trust", required=True, type=Path, metavar="STORE", help="directory of the store")
        verb.add_argument("--json", action="store_true", help="one JSON object on standard output")


@with_named_errors
def run_import(arguments: argparse.Namespace) -> int:
    """0 if everything was accepted, 1 if anything was refused."""
    if not arguments.files and not arguments.csca:
        raise ConfigurationError("nothing to import: name a FILE or a --csca FILE", code="NOTHING_TO_IMPORT")
    report = import_files(
        arguments.trust, arguments.csca, arguments.files, datetime.now(UTC), allow_older=arguments.allow_older
    )
    if arguments.json:
        print(json.dumps(_report_json(report), indent=1, ensure_ascii=False))
    else:
        _print_report(report)
    return EXIT_NEGATIVE if report.refused else EXIT_DONE


@with_named_errors
def run_list(arguments: argparse.Namespace) -> int:
    contents = load_contents(arguments.trust)
    now = datetime.now(UTC)
    store = contents.trust_store()
    if arguments.json:
        print(json.dumps(_list_json(contents, store, now), indent=1, ensure_ascii=False))
        return EXIT_DONE
    states = {anchor.certificate.country for anchor in store.anchors}
    print(
        f"{len(store.anchors)} CSCA certificates of {len(states)} states ({len(contents.pinned())} pinned), "
        f"{len(store.document_signers)} document signers, {len(store.crls)} CRLs, {len(store.defects)} defects"
    )
    print(_age_text(store, now))
    if store.simulated:
        print("warning: trusts a simulated issuer; egate refuses it outside the demo environment")
    for source in sorted(contents.sources.values(), key=lambda one: (one.kind, one.publisher, one.file)):
        print(f"{source.sha256[:12]}  {source.kind:14}  {source.publisher:2}  {_day(source.signed_at)}  {source.file}")
    for held in sorted(
        contents.anchors.values(), key=lambda one: (one.certificate.country, one.certificate.not_before)
    ):
        one = held.certificate
        mark = "pinned" if contents.is_pinned(one.sha256) else "expired" if one.not_after < now else ""
        print(
            f"{one.sha256[:12]}  {one.country:2}  {_day(one.not_before)}..{_day(one.not_after)}  {mark:7}  {one.subject_text}"
        )
    return EXIT_DONE


@with_named_errors
def run_show(arguments: argparse.Namespace) -> int:
    contents = load_contents(arguments.trust)
    shown = _find(contents, arguments.id.lower())
    if arguments.json:
        print(json.dumps(shown, indent=1, ensure_ascii=False))
    else:
        for key, value in shown.items():
            print(f"{key}: {', '.join(map(str, value)) if isinstance(value, list) else value}")
    return EXIT_DONE


def _find(contents: Contents, wanted: str) -> dict[str, object]:
    """Raises DocumentError (TRUST_ID_UNKNOWN, TRUST_ID_AMBIGUOUS)."""
    known = (contents.anchors, contents.signers, contents.crls, contents.sources)
    ids = {one for group in known for one in group if one.startswith(wanted)} if len(wanted) >= ID_SIZE_MIN else set()
    if len(ids) != 1:
        code = "TRUST_ID_AMBIGUOUS" if ids else "TRUST_ID_UNKNOWN"
        raise DocumentError(f"{len(ids)} items begin with {wanted[:64]!r}", code=code)
    (found,) = ids
    if found in contents.crls:
        return _crl_json(contents.crls[found].crl, contents.crls[found].signer)
    held = contents.anchors.get(found) or contents.signers.get(found)
    if held is None:
        return _source_json(contents.sources[found])
    files = sorted({contents.sources[source].file for source in held.sources})
    kind = "csca" if found in contents.anchors else "document_signer"
    pinned = found in contents.anchors and contents.is_pinned(found)
    return {"kind": kind, "pinned": pinned, **_certificate_json(held.certificate), "from": files}


def _print_report(report: ImportReport) -> None:
    for file, items in _by_file(report).items():
        accepted = [item for item in items if item.accepted]
        kinds = Counter(item.kind for item in accepted)
        print(f"{file}: {', '.join(f'{count} {kind}' for kind, count in kinds.items()) or 'nothing'} imported")
        for item in accepted:
            if item.usable:
                print(f"  {item.usable} certificates usable, {len(item.unusable)} not, {len(item.doubtful)} doubtful")
            for one in (*item.unusable, *item.doubtful):
                print(f"  {one.sha256[:12]}  {one.reason}: {one.detail}  {one.subject}")
        refused = [item for item in items if not item.accepted]
        for item in refused[:SHOWN_MAX]:
            print(f"  refused: {item.code}: {item.detail}")
        if len(refused) > SHOWN_MAX:
            print(f"  … and {len(refused) - SHOWN_MAX} more refused")
    print(
        f"{len(report.added)} CSCA certificates added, {len(report.removed)} removed; the store holds {report.anchors}, "
        f"{report.document_signers} document signers, {report.crls} CRLs, {report.defects} defects"
    )


def _by_file(report: ImportReport) -> Mapping[str, list[ItemReport]]:
    files: dict[str, list[ItemReport]] = {}
    for item in report.items:
        files.setdefault(item.file, []).append(item)
    return files


def _report_json(report: ImportReport) -> dict[str, object]:
    items = [
        {
            "file": item.file,
            "kind": item.kind,
            "subject": item.subject,
            "accepted": item.accepted,
            "code": item.code,
            "detail": item.detail,
            "usable": item.usable,
            "unusable": [[one.sha256, one.subject, one.reason, one.detail] for one in item.unusable],
            "doubtful": [[one.sha256, one.subject, one.reason, one.detail] for one in item.doubtful],
        }
        for item in report.items
    ]
    totals = {
        "anchors": report.anchors,
        "document_signers": report.document_signers,
        "crls": report.crls,
        "defects": report.defects,
    }
    return {"items": items, "added": report.added, "removed": report.removed, "totals": totals}


def _list_json(contents: Contents, store: TrustStore, now: datetime) -> dict[str, object]:
    age = store.age(now)
    return {
        "updated_at": None if store.updated_at is None else store.updated_at.isoformat(),
        "age_days": None if age is None else round(age.total_seconds() / 86400, 1),
        "stale": store.is_stale(now),
        "simulated": store.simulated,
        "sources": [_source_json(source) for source in contents.sources.values()],
        "anchors": [
            {**_certificate_json(held.certificate), "pinned": contents.is_pinned(sha256)}
            for sha256, held in contents.anchors.items()
        ],
        "document_signers": [_certificate_json(held.certificate) for held in contents.signers.values()],
        "crls": [_crl_json(trusted.crl, trusted.signer) for trusted in contents.crls.values()],
        "defects": [{"kind": defect.kind, "publisher": defect.publisher} for defect in store.defects],
    }


def _certificate_json(certificate: Certificate) -> dict[str, object]:
    return {
        "sha256": certificate.sha256,
        "country": certificate.country,
        "subject": certificate.subject_text,
        "issuer": certificate.issuer_text,
        "serial": f"{certificate.serial:x}",
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "subject_key_id": (certificate.subject_key_id or b"").hex(),
        "authority_key_id": (certificate.authority_key_id or b"").hex(),
        "document_types": list(certificate.document_types),
    }


def _crl_json(crl: Crl, signer: Certificate) -> dict[str, object]:
    return {
        "kind": "crl",
        "sha256": crl.sha256,
        "country": crl.country,
        "issuer": crl.issuer_text,
        "signer": signer.sha256,
        "number": crl.number,
        "this_update": crl.this_update.isoformat(),
        "next_update": None if crl.next_update is None else crl.next_update.isoformat(),
        "entries": crl.entry_count,
    }


def _source_json(source: Source) -> dict[str, object]:
    return {
        "kind": source.kind.value,
        "sha256": source.sha256,
        "file": source.file,
        "country": source.publisher,
        "signer": source.signer,
        "signed_at": None if source.signed_at is None else source.signed_at.isoformat(),
        "imported_at": source.imported_at.isoformat(),
        "unusable": [f"{one.sha256[:12]} {one.reason} {one.subject}" for one in source.unusable],
    }


def _age_text(store: TrustStore, now: datetime) -> str:
    age = store.age(now)
    if store.updated_at is None or age is None:
        return "warning: never updated (holds no signed list)"
    text = f"updated {store.updated_at:%Y-%m-%d %H:%M} UTC, {age.days} days ago"
    return f"{text}\nwarning: not updated within {STALE_DAYS} days" if store.is_stale(now) else text


def _day(moment: datetime | None) -> str:
    return "          " if moment is None else f"{moment:%Y-%m-%d}"
