"""The trust store on disk: CSCA certificates, revocation, defect and deviation lists, and how they came in."""
