
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'meshctl' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'meshctl'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'meshctl' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('analyze', 'analyze', [CompletionResultType]::ParameterValue, 'Check manifests: what is rejected, what breaks traffic, what is open to the wrong people')
            [CompletionResult]::new('completion', 'completion', [CompletionResultType]::ParameterValue, 'Print the completion script of a shell')
            [CompletionResult]::new('control-plane', 'control-plane', [CompletionResultType]::ParameterValue, 'Run the control plane: configuration in, xDS and certificates out')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Explain a finding: what is wrong, why it matters, and how to mend it')
            [CompletionResult]::new('local', 'local', [CompletionResultType]::ParameterValue, 'Run a mesh on this machine, without Kubernetes')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Write the manual pages into a directory')
            [CompletionResult]::new('proxy', 'proxy', [CompletionResultType]::ParameterValue, 'Run the embedded proxy, or check its configuration')
            [CompletionResult]::new('simulate', 'simulate', [CompletionResultType]::ParameterValue, 'Show what happens to a request, step by step, without sending it')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Run cases: requests, and what the mesh is expected to do with them')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the version of meshctl')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'meshctl;analyze' {
            [CompletionResult]::new('--analyzer', '--analyzer', [CompletionResultType]::ParameterName, 'Run only this analyzer; may be repeated')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Namespace of the control plane and of mesh-wide configuration')
            [CompletionResult]::new('--root-namespace', '--root-namespace', [CompletionResultType]::ParameterName, 'Namespace of the control plane and of mesh-wide configuration')
            [CompletionResult]::new('--istioNamespace', '--istioNamespace', [CompletionResultType]::ParameterName, 'Namespace of the control plane and of mesh-wide configuration')
            [CompletionResult]::new('--cluster-domain', '--cluster-domain', [CompletionResultType]::ParameterName, 'DNS suffix of the cluster''s Services')
            [CompletionResult]::new('--mesh-config', '--mesh-config', [CompletionResultType]::ParameterName, 'A file with MeshConfig that stands for the one of the cluster; may also be given as --meshConfigFile')
            [CompletionResult]::new('--write-baseline', '--write-baseline', [CompletionResultType]::ParameterName, 'Write the findings to this file instead of printing them; `--baseline` hides them from then on')
            [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'Only files are analysed for now; accepted for scripts written for istioctl')
            [CompletionResult]::new('--use-kube', '--use-kube', [CompletionResultType]::ParameterName, 'Only files are analysed for now; accepted for scripts written for istioctl')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print findings [default: human]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print findings [default: human]')
            [CompletionResult]::new('--output-threshold', '--output-threshold', [CompletionResultType]::ParameterName, 'Print findings of this level and above: info, warning or error [default: info]')
            [CompletionResult]::new('--failure-threshold', '--failure-threshold', [CompletionResultType]::ParameterName, 'Exit with 1 for findings of this level and above: info, warning or error [default: error]')
            [CompletionResult]::new('-S', '-S ', [CompletionResultType]::ParameterName, 'Hide a code on the resources that match, such as `IST0102=Namespace test*`; may be repeated')
            [CompletionResult]::new('--suppress', '--suppress', [CompletionResultType]::ParameterName, 'Hide a code on the resources that match, such as `IST0102=Namespace test*`; may be repeated')
            [CompletionResult]::new('--baseline', '--baseline', [CompletionResultType]::ParameterName, 'Hide the findings that this file lists (see --write-baseline)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The namespace of objects that name none [default: default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The namespace of objects that name none [default: default]')
            [CompletionResult]::new('--exclude', '--exclude', [CompletionResultType]::ParameterName, 'Skip files that match, such as `testdata/**`; may be repeated')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('-L', '-L ', [CompletionResultType]::ParameterName, 'List the analyzers and their codes')
            [CompletionResult]::new('--list-analyzers', '--list-analyzers', [CompletionResultType]::ParameterName, 'List the analyzers and their codes')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Findings of all namespaces are always shown; accepted for scripts written for istioctl')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Findings of all namespaces are always shown; accepted for scripts written for istioctl')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Directories are always read with everything below; accepted for scripts written for istioctl')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Directories are always read with everything below; accepted for scripts written for istioctl')
            [CompletionResult]::new('--ignore-unknown', '--ignore-unknown', [CompletionResultType]::ParameterName, 'Documents that cannot be read are reported and do not fail the run')
            [CompletionResult]::new('--fix', '--fix', [CompletionResultType]::ParameterName, 'Apply the edits that are safe, keep comments and layout, and report what is left')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'With --fix: print the edits as a diff and change nothing')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'meshctl;completion' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'meshctl;control-plane' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Serve the mesh that manifests describe')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'meshctl;control-plane;run' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Files and directories with manifests; may be repeated')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'Files and directories with manifests; may be repeated')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Address of the listener without TLS; loopback only')
            [CompletionResult]::new('--tls-listen', '--tls-listen', [CompletionResultType]::ParameterName, 'Address of the listener with TLS, where proxies prove who they are')
            [CompletionResult]::new('--tls-name', '--tls-name', [CompletionResultType]::ParameterName, 'A name or address of the listener with TLS, for its certificate; may be repeated')
            [CompletionResult]::new('--debug-listen', '--debug-listen', [CompletionResultType]::ParameterName, 'Address for /debug, /metrics and /ready; loopback only')
            [CompletionResult]::new('--ca-dir', '--ca-dir', [CompletionResultType]::ParameterName, 'Directory of the certificate authority (files as in Istio''s secret `cacerts`), made when it is not there; without it, keys are in memory and end with the process')
            [CompletionResult]::new('--token', '--token', [CompletionResultType]::ParameterName, 'Write a token that proves this identity to a file; may be repeated')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none')
            [CompletionResult]::new('--root-namespace', '--root-namespace', [CompletionResultType]::ParameterName, 'Namespace of mesh-wide configuration')
            [CompletionResult]::new('--cluster-domain', '--cluster-domain', [CompletionResultType]::ParameterName, 'DNS suffix of Services')
            [CompletionResult]::new('--service-network', '--service-network', [CompletionResultType]::ParameterName, 'Network that addresses of Services without one are taken from')
            [CompletionResult]::new('--workload-network', '--workload-network', [CompletionResultType]::ParameterName, 'Network that addresses of workloads without one are taken from')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'How much to log to stderr: trace, debug, info, warn, error, off')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'How much to log to stderr: trace, debug, info, warn, error, off')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'meshctl;control-plane;help' {
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Serve the mesh that manifests describe')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'meshctl;control-plane;help;run' {
            break
        }
        'meshctl;control-plane;help;help' {
            break
        }
        'meshctl;explain' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'meshctl;local' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('call', 'call', [CompletionResultType]::ParameterValue, 'Send requests from a workload of the local mesh, through its proxy')
            [CompletionResult]::new('graph', 'graph', [CompletionResultType]::ParameterValue, 'Show who called whom in the local mesh')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show services and workloads of the local mesh')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'End the local mesh')
            [CompletionResult]::new('up', 'up', [CompletionResultType]::ParameterValue, 'Run the mesh of some manifests on this machine')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'meshctl;local;call' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'The workload that sends: NAME or NAMESPACE/NAME')
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'Method [default: GET, or POST with --data]')
            [CompletionResult]::new('--request', '--request', [CompletionResultType]::ParameterName, 'Method [default: GET, or POST with --data]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Header, `NAME: VALUE`; may be given several times')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header, `NAME: VALUE`; may be given several times')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Body')
            [CompletionResult]::new('--data', '--data', [CompletionResultType]::ParameterName, 'Body')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'How many requests to send')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'How many requests to send')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Repeat until this status comes, for ten seconds at most: after a change of the manifests')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State directory of the mesh [default: meshctl-local in $XDG_RUNTIME_DIR, or in the directory for temporary files]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'meshctl;local;graph' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State directory of the mesh [default: meshctl-local in $XDG_RUNTIME_DIR, or in the directory for temporary files]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('--reset', '--reset', [CompletionResultType]::ParameterName, 'Begin to count anew afterwards')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'meshctl;local;status' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State directory of the mesh [default: meshctl-local in $XDG_RUNTIME_DIR, or in the directory for temporary files]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'meshctl;local;stop' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State directory of the mesh [default: meshctl-local in $XDG_RUNTIME_DIR, or in the directory for temporary files]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'meshctl;local;up' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Files and directories with manifests')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'Files and directories with manifests')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State directory of the mesh [default: meshctl-local in $XDG_RUNTIME_DIR, or in the directory for temporary files]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'meshctl;local;help' {
            [CompletionResult]::new('call', 'call', [CompletionResultType]::ParameterValue, 'Send requests from a workload of the local mesh, through its proxy')
            [CompletionResult]::new('graph', 'graph', [CompletionResultType]::ParameterValue, 'Show who called whom in the local mesh')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show services and workloads of the local mesh')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'End the local mesh')
            [CompletionResult]::new('up', 'up', [CompletionResultType]::ParameterValue, 'Run the mesh of some manifests on this machine')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'meshctl;local;help;call' {
            break
        }
        'meshctl;local;help;graph' {
            break
        }
        'meshctl;local;help;status' {
            break
        }
        'meshctl;local;help;stop' {
            break
        }
        'meshctl;local;help;up' {
            break
        }
        'meshctl;local;help;help' {
            break
        }
        'meshctl;man' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'meshctl;proxy' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Run the embedded proxy with an Envoy bootstrap file')
            [CompletionResult]::new('validate', 'validate', [CompletionResultType]::ParameterValue, 'Check bootstrap files without starting anything')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'meshctl;proxy;run' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The bootstrap file, YAML or JSON; `-` is standard input')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The bootstrap file, YAML or JSON; `-` is standard input')
            [CompletionResult]::new('--config-yaml', '--config-yaml', [CompletionResultType]::ParameterName, 'More bootstrap, merged into the file: single fields win over it, lists grow')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'How far to go')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Worker threads [default: one a CPU]')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'How much to log to stderr')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'How much to log to stderr')
            [CompletionResult]::new('--service-cluster', '--service-cluster', [CompletionResultType]::ParameterName, 'The cluster of this node, over the one in the file')
            [CompletionResult]::new('--service-node', '--service-node', [CompletionResultType]::ParameterName, 'The id of this node, over the one in the file')
            [CompletionResult]::new('--service-zone', '--service-zone', [CompletionResultType]::ParameterName, 'The zone of this node, over the one in the file')
            [CompletionResult]::new('--drain-time-s', '--drain-time-s', [CompletionResultType]::ParameterName, 'Seconds that connections of a removed or drained listener have to end')
            [CompletionResult]::new('--termination-drain-s', '--termination-drain-s', [CompletionResultType]::ParameterName, 'Longest time between a signal and the end, in seconds')
            [CompletionResult]::new('--identity', '--identity', [CompletionResultType]::ParameterName, 'Get a certificate for this identity, and renew it at half its life: spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/ACCOUNT')
            [CompletionResult]::new('--ca-cluster', '--ca-cluster', [CompletionResultType]::ParameterName, 'Cluster of the bootstrap that leads to the certificate service (istio.v1.auth.IstioCertificateService)')
            [CompletionResult]::new('--ca-token', '--ca-token', [CompletionResultType]::ParameterName, 'File with the token for the certificate service')
            [CompletionResult]::new('--ca-roots', '--ca-roots', [CompletionResultType]::ParameterName, 'File with trusted roots, beside the one that comes with the certificate')
            [CompletionResult]::new('--ca-cluster-id', '--ca-cluster-id', [CompletionResultType]::ParameterName, 'Name of the Kubernetes cluster, for the certificate service')
            [CompletionResult]::new('--ca-lifetime-s', '--ca-lifetime-s', [CompletionResultType]::ParameterName, 'Lifetime of certificates to ask for, in seconds')
            [CompletionResult]::new('--parent-shutdown-time-s', '--parent-shutdown-time-s', [CompletionResultType]::ParameterName, 'parent-shutdown-time-s')
            [CompletionResult]::new('--drain-strategy', '--drain-strategy', [CompletionResultType]::ParameterName, 'drain-strategy')
            [CompletionResult]::new('--base-id', '--base-id', [CompletionResultType]::ParameterName, 'base-id')
            [CompletionResult]::new('--restart-epoch', '--restart-epoch', [CompletionResultType]::ParameterName, 'restart-epoch')
            [CompletionResult]::new('--file-flush-interval-msec', '--file-flush-interval-msec', [CompletionResultType]::ParameterName, 'file-flush-interval-msec')
            [CompletionResult]::new('--local-address-ip-version', '--local-address-ip-version', [CompletionResultType]::ParameterName, 'local-address-ip-version')
            [CompletionResult]::new('--component-log-level', '--component-log-level', [CompletionResultType]::ParameterName, 'component-log-level')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--use-dynamic-base-id', '--use-dynamic-base-id', [CompletionResultType]::ParameterName, 'use-dynamic-base-id')
            [CompletionResult]::new('--disable-hot-restart', '--disable-hot-restart', [CompletionResultType]::ParameterName, 'disable-hot-restart')
            [CompletionResult]::new('--allow-unknown-static-fields', '--allow-unknown-static-fields', [CompletionResultType]::ParameterName, 'allow-unknown-static-fields')
            [CompletionResult]::new('--reject-unknown-dynamic-fields', '--reject-unknown-dynamic-fields', [CompletionResultType]::ParameterName, 'reject-unknown-dynamic-fields')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'meshctl;proxy;validate' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print what is found')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print what is found')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'meshctl;proxy;help' {
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Run the embedded proxy with an Envoy bootstrap file')
            [CompletionResult]::new('validate', 'validate', [CompletionResultType]::ParameterValue, 'Check bootstrap files without starting anything')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'meshctl;proxy;help;run' {
            break
        }
        'meshctl;proxy;help;validate' {
            break
        }
        'meshctl;proxy;help;help' {
            break
        }
        'meshctl;simulate' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Who sends it: WORKLOAD, WORKLOAD.NAMESPACE, or `outside` for a request to a gateway')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Where to, as the client writes it; without a scheme it is http')
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'Method')
            [CompletionResult]::new('--request', '--request', [CompletionResultType]::ParameterName, 'Method')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'A header field; may be repeated. `Host` takes the place of the URL''s')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'A header field; may be repeated. `Host` takes the place of the URL''s')
            [CompletionResult]::new('--jwt-claims', '--jwt-claims', [CompletionResultType]::ParameterName, 'Claims of a token that is valid, as NAME=VALUE (may be repeated) or as JSON')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Files and directories with manifests; `-` is standard input')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'Files and directories with manifests; `-` is standard input')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects and workloads that name none')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects and workloads that name none')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Namespace of the control plane and of mesh-wide configuration')
            [CompletionResult]::new('--root-namespace', '--root-namespace', [CompletionResultType]::ParameterName, 'Namespace of the control plane and of mesh-wide configuration')
            [CompletionResult]::new('--cluster-domain', '--cluster-domain', [CompletionResultType]::ParameterName, 'DNS suffix of the cluster''s Services')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--graph', '--graph', [CompletionResultType]::ParameterName, 'A picture of the way instead of the steps')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('--live', '--live', [CompletionResultType]::ParameterName, 'Ask a running cluster')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'meshctl;test' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Files and directories with manifests; `-` is standard input')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'Files and directories with manifests; `-` is standard input')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects and workloads that name none')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects and workloads that name none')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Namespace of the control plane and of mesh-wide configuration')
            [CompletionResult]::new('--root-namespace', '--root-namespace', [CompletionResultType]::ParameterName, 'Namespace of the control plane and of mesh-wide configuration')
            [CompletionResult]::new('--cluster-domain', '--cluster-domain', [CompletionResultType]::ParameterName, 'DNS suffix of the cluster''s Services')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--fail-under', '--fail-under', [CompletionResultType]::ParameterName, 'Fail when cases reach less than this part of the routes and rules')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('--live', '--live', [CompletionResultType]::ParameterName, 'Ask a running cluster')
            [CompletionResult]::new('--coverage', '--coverage', [CompletionResultType]::ParameterName, 'Tell which routes and rules no case reaches')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'meshctl;version' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file instead of the nearest meshctl.yaml')
            [CompletionResult]::new('--client', '--client', [CompletionResultType]::ParameterName, 'Only the version of this program')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Only the number, without the name and the platform')
            [CompletionResult]::new('--short', '--short', [CompletionResultType]::ParameterName, 'Only the number, without the name and the platform')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress and no notes on stderr, only errors')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file, whatever --config or MESHCTL_CONFIG says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'meshctl;help' {
            [CompletionResult]::new('analyze', 'analyze', [CompletionResultType]::ParameterValue, 'Check manifests: what is rejected, what breaks traffic, what is open to the wrong people')
            [CompletionResult]::new('completion', 'completion', [CompletionResultType]::ParameterValue, 'Print the completion script of a shell')
            [CompletionResult]::new('control-plane', 'control-plane', [CompletionResultType]::ParameterValue, 'Run the control plane: configuration in, xDS and certificates out')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Explain a finding: what is wrong, why it matters, and how to mend it')
            [CompletionResult]::new('local', 'local', [CompletionResultType]::ParameterValue, 'Run a mesh on this machine, without Kubernetes')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Write the manual pages into a directory')
            [CompletionResult]::new('proxy', 'proxy', [CompletionResultType]::ParameterValue, 'Run the embedded proxy, or check its configuration')
            [CompletionResult]::new('simulate', 'simulate', [CompletionResultType]::ParameterValue, 'Show what happens to a request, step by step, without sending it')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Run cases: requests, and what the mesh is expected to do with them')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the version of meshctl')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'meshctl;help;analyze' {
            break
        }
        'meshctl;help;completion' {
            break
        }
        'meshctl;help;control-plane' {
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Serve the mesh that manifests describe')
            break
        }
        'meshctl;help;control-plane;run' {
            break
        }
        'meshctl;help;explain' {
            break
        }
        'meshctl;help;local' {
            [CompletionResult]::new('call', 'call', [CompletionResultType]::ParameterValue, 'Send requests from a workload of the local mesh, through its proxy')
            [CompletionResult]::new('graph', 'graph', [CompletionResultType]::ParameterValue, 'Show who called whom in the local mesh')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show services and workloads of the local mesh')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'End the local mesh')
            [CompletionResult]::new('up', 'up', [CompletionResultType]::ParameterValue, 'Run the mesh of some manifests on this machine')
            break
        }
        'meshctl;help;local;call' {
            break
        }
        'meshctl;help;local;graph' {
            break
        }
        'meshctl;help;local;status' {
            break
        }
        'meshctl;help;local;stop' {
            break
        }
        'meshctl;help;local;up' {
            break
        }
        'meshctl;help;man' {
            break
        }
        'meshctl;help;proxy' {
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Run the embedded proxy with an Envoy bootstrap file')
            [CompletionResult]::new('validate', 'validate', [CompletionResultType]::ParameterValue, 'Check bootstrap files without starting anything')
            break
        }
        'meshctl;help;proxy;run' {
            break
        }
        'meshctl;help;proxy;validate' {
            break
        }
        'meshctl;help;simulate' {
            break
        }
        'meshctl;help;test' {
            break
        }
        'meshctl;help;version' {
            break
        }
        'meshctl;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
