//! The verbs of Guerdon, one file each: read, decide, and say in one transaction what follows.
