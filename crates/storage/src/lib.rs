//! Content-addressed blobs by CID: directory and trustless gateway.
