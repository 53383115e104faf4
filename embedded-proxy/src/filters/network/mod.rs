//! Network filters: what runs on a connection's bytes.
