//! One file per command; this list is what the command line, its help, completions and man pages are made of.

crate::cli::commands! {
    analyze => Analyze,
    completion => Completion,
    control_plane => ControlPlane,
    explain => Explain,
    local => Local,
    man => Man,
    proxy => Proxy,
    simulate => Simulate,
    test => Test,
    version => Version,
}
