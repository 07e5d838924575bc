//! Job file, task spec and result manifest: schema, validation, canonical hash: no I/O.
