"""The append-only record: see README.md."""

from egate.journal.chain import Break, Entry, Head, Verification
from egate.journal.reader import JournalReader, UnfinishedCrossing
from egate.journal.store import SqliteJournal

__all__ = ["Break", "Entry", "Head", "JournalReader", "SqliteJournal", "UnfinishedCrossing", "Verification"]
