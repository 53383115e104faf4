//! Memory of the process, as the kernel tells it. The allocator is not asked.

/// Bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Address space.
    pub size: u64,
    /// In memory now.
    pub resident: u64,
    /// Of that, what is the process's own: no files.
    pub own: u64,
}

/// What it is now; zeros where the kernel does not say.
pub fn now() -> Memory {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kilobytes.unwrap_or(0).saturating_mul(1024)
    };
    Memory { size: bytes("VmSize"), resident: bytes("VmRSS"), own: bytes("RssAnon") }
}
