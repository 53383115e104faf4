# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_meshctl_global_optspecs
    string join \n color= q/quiet config= no-config h/help V/version
end

function __fish_meshctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_meshctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_meshctl_using_subcommand
    set -l cmd (__fish_meshctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c meshctl -n "__fish_meshctl_needs_command" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_needs_command" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_needs_command" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_needs_command" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_needs_command" -s h -l help -d 'Print help'
complete -c meshctl -n "__fish_meshctl_needs_command" -s V -l version -d 'Print version'
complete -c meshctl -n "__fish_meshctl_needs_command" -f -a "analyze" -d 'Check manifests: what is rejected, what breaks traffic, what is open to the wrong people'
complete -c meshctl -n "__fish_meshctl_needs_command" -f -a "completion" -d 'Print the completion script of a shell'
complete -c meshctl -n "__fish_meshctl_needs_command" -f -a "control-plane" -d 'Run the control plane: configuration in, xDS and certificates out'
complete -c meshctl -n "__fish_meshctl_needs_command" -f -a "explain" -d 'Explain a finding: what is wrong, why it matters, and how to mend it'
complete -c meshctl -n "__fish_meshctl_needs_command" -f -a "local" -d 'Run a mesh on this machine, without Kubernetes'
complete -c meshctl -n "__fish_meshctl_needs_command" -f -a "man" -d 'Write the manual pages into a directory'
complete -c meshctl -n "__fish_meshctl_needs_command" -f -a "proxy" -d 'Run the embedded proxy, or check its configuration'
complete -c meshctl -n "__fish_meshctl_needs_command" -f -a "simulate" -d 'Show what happens to a request, step by step, without sending it'
complete -c meshctl -n "__fish_meshctl_needs_command" -f -a "test" -d 'Run cases: requests, and what the mesh is expected to do with them'
complete -c meshctl -n "__fish_meshctl_needs_command" -f -a "version" -d 'Print the version of meshctl'
complete -c meshctl -n "__fish_meshctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -l analyzer -d 'Run only this analyzer; may be repeated' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -s i -l root-namespace -l istioNamespace -d 'Namespace of the control plane and of mesh-wide configuration' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -l cluster-domain -d 'DNS suffix of the cluster\'s Services' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -l mesh-config -d 'A file with MeshConfig that stands for the one of the cluster; may also be given as --meshConfigFile' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -l write-baseline -d 'Write the findings to this file instead of printing them; `--baseline` hides them from then on' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -s k -l use-kube -d 'Only files are analysed for now; accepted for scripts written for istioctl' -r -f -a "true\t''
false\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -s o -l output -d 'How to print findings [default: human]' -r -f -a "human\t'Snippets of the source with the finding underlined, for people'
concise\t'One line a finding'
json\t'One JSON document, with istioctl\'s keys'
yaml\t'The same as YAML'
sarif\t'SARIF 2.1.0, for code scanning'
junit\t'JUnit XML, for CI systems that show test results'
github\t'Annotations of a GitHub pull request'"
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -l output-threshold -d 'Print findings of this level and above: info, warning or error [default: info]' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -l failure-threshold -d 'Exit with 1 for findings of this level and above: info, warning or error [default: error]' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -s S -l suppress -d 'Hide a code on the resources that match, such as `IST0102=Namespace test*`; may be repeated' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -l baseline -d 'Hide the findings that this file lists (see --write-baseline)' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -s n -l namespace -d 'The namespace of objects that name none [default: default]' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -l exclude -d 'Skip files that match, such as `testdata/**`; may be repeated' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -s L -l list-analyzers -d 'List the analyzers and their codes'
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -s A -l all-namespaces -d 'Findings of all namespaces are always shown; accepted for scripts written for istioctl'
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -s R -l recursive -d 'Directories are always read with everything below; accepted for scripts written for istioctl'
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -l ignore-unknown -d 'Documents that cannot be read are reported and do not fail the run'
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -l fix -d 'Apply the edits that are safe, keep comments and layout, and report what is left'
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -l dry-run -d 'With --fix: print the edits as a diff and change nothing'
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand analyze" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshctl -n "__fish_meshctl_using_subcommand completion" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand completion" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand completion" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand completion" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and not __fish_seen_subcommand_from run help" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and not __fish_seen_subcommand_from run help" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and not __fish_seen_subcommand_from run help" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and not __fish_seen_subcommand_from run help" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and not __fish_seen_subcommand_from run help" -s h -l help -d 'Print help'
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and not __fish_seen_subcommand_from run help" -f -a "run" -d 'Serve the mesh that manifests describe'
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and not __fish_seen_subcommand_from run help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -s f -l filename -d 'Files and directories with manifests; may be repeated' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -l listen -d 'Address of the listener without TLS; loopback only' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -l tls-listen -d 'Address of the listener with TLS, where proxies prove who they are' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -l tls-name -d 'A name or address of the listener with TLS, for its certificate; may be repeated' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -l debug-listen -d 'Address for /debug, /metrics and /ready; loopback only' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -l ca-dir -d 'Directory of the certificate authority (files as in Istio\'s secret `cacerts`), made when it is not there; without it, keys are in memory and end with the process' -r -f -a "(__fish_complete_directories)"
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -l token -d 'Write a token that proves this identity to a file; may be repeated' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -s n -l namespace -d 'Namespace of objects that name none' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -l root-namespace -d 'Namespace of mesh-wide configuration' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -l cluster-domain -d 'DNS suffix of Services' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -l service-network -d 'Network that addresses of Services without one are taken from' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -l workload-network -d 'Network that addresses of workloads without one are taken from' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -s l -l log-level -d 'How much to log to stderr: trace, debug, info, warn, error, off' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from help" -f -a "run" -d 'Serve the mesh that manifests describe'
complete -c meshctl -n "__fish_meshctl_using_subcommand control-plane; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c meshctl -n "__fish_meshctl_using_subcommand explain" -s o -l output -d 'How to print it' -r -f -a "text\t'For the terminal'
json\t'One object, or an array of all codes'
markdown\t'The page of the documentation'"
complete -c meshctl -n "__fish_meshctl_using_subcommand explain" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand explain" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand explain" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand explain" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and not __fish_seen_subcommand_from call graph status stop up help" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and not __fish_seen_subcommand_from call graph status stop up help" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and not __fish_seen_subcommand_from call graph status stop up help" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and not __fish_seen_subcommand_from call graph status stop up help" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and not __fish_seen_subcommand_from call graph status stop up help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and not __fish_seen_subcommand_from call graph status stop up help" -f -a "call" -d 'Send requests from a workload of the local mesh, through its proxy'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and not __fish_seen_subcommand_from call graph status stop up help" -f -a "graph" -d 'Show who called whom in the local mesh'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and not __fish_seen_subcommand_from call graph status stop up help" -f -a "status" -d 'Show services and workloads of the local mesh'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and not __fish_seen_subcommand_from call graph status stop up help" -f -a "stop" -d 'End the local mesh'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and not __fish_seen_subcommand_from call graph status stop up help" -f -a "up" -d 'Run the mesh of some manifests on this machine'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and not __fish_seen_subcommand_from call graph status stop up help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from call" -l from -d 'The workload that sends: NAME or NAMESPACE/NAME' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from call" -s X -l request -d 'Method [default: GET, or POST with --data]' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from call" -s H -l header -d 'Header, `NAME: VALUE`; may be given several times' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from call" -s d -l data -d 'Body' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from call" -s n -l count -d 'How many requests to send' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from call" -l until -d 'Repeat until this status comes, for ten seconds at most: after a change of the manifests' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from call" -s o -l output -d 'How to print it' -r -f -a "text\t''
json\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from call" -l state -d 'State directory of the mesh [default: meshctl-local in $XDG_RUNTIME_DIR, or in the directory for temporary files]' -r -f -a "(__fish_complete_directories)"
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from call" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from call" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from call" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from call" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from call" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from graph" -s o -l output -d 'How to print it' -r -f -a "text\t''
mermaid\t''
json\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from graph" -l state -d 'State directory of the mesh [default: meshctl-local in $XDG_RUNTIME_DIR, or in the directory for temporary files]' -r -f -a "(__fish_complete_directories)"
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from graph" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from graph" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from graph" -l reset -d 'Begin to count anew afterwards'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from graph" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from graph" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from graph" -s h -l help -d 'Print help'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from status" -s o -l output -d 'How to print it' -r -f -a "text\t''
json\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from status" -l state -d 'State directory of the mesh [default: meshctl-local in $XDG_RUNTIME_DIR, or in the directory for temporary files]' -r -f -a "(__fish_complete_directories)"
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from status" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from status" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from status" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from status" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from stop" -l state -d 'State directory of the mesh [default: meshctl-local in $XDG_RUNTIME_DIR, or in the directory for temporary files]' -r -f -a "(__fish_complete_directories)"
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from stop" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from stop" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from stop" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from stop" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from stop" -s h -l help -d 'Print help'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from up" -s f -l filename -d 'Files and directories with manifests' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from up" -s n -l namespace -d 'Namespace of objects that name none' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from up" -l state -d 'State directory of the mesh [default: meshctl-local in $XDG_RUNTIME_DIR, or in the directory for temporary files]' -r -f -a "(__fish_complete_directories)"
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from up" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from up" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from up" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from up" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from up" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from help" -f -a "call" -d 'Send requests from a workload of the local mesh, through its proxy'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from help" -f -a "graph" -d 'Show who called whom in the local mesh'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show services and workloads of the local mesh'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from help" -f -a "stop" -d 'End the local mesh'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from help" -f -a "up" -d 'Run the mesh of some manifests on this machine'
complete -c meshctl -n "__fish_meshctl_using_subcommand local; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c meshctl -n "__fish_meshctl_using_subcommand man" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand man" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand man" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand man" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and not __fish_seen_subcommand_from run validate help" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and not __fish_seen_subcommand_from run validate help" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and not __fish_seen_subcommand_from run validate help" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and not __fish_seen_subcommand_from run validate help" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and not __fish_seen_subcommand_from run validate help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and not __fish_seen_subcommand_from run validate help" -f -a "run" -d 'Run the embedded proxy with an Envoy bootstrap file'
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and not __fish_seen_subcommand_from run validate help" -f -a "validate" -d 'Check bootstrap files without starting anything'
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and not __fish_seen_subcommand_from run validate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -s c -l config -d 'The bootstrap file, YAML or JSON; `-` is standard input' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l config-yaml -d 'More bootstrap, merged into the file: single fields win over it, lists grow' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l mode -d 'How far to go' -r -f -a "serve\t'Serve until a signal'
validate\t'Check the configuration and end'
init_only\t'Start, and end once everything is initialised'"
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l concurrency -d 'Worker threads [default: one a CPU]' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -s l -l log-level -d 'How much to log to stderr' -r -f -a "trace\t''
debug\t''
info\t''
warn\t''
error\t''
off\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l service-cluster -d 'The cluster of this node, over the one in the file' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l service-node -d 'The id of this node, over the one in the file' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l service-zone -d 'The zone of this node, over the one in the file' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l drain-time-s -d 'Seconds that connections of a removed or drained listener have to end' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l termination-drain-s -d 'Longest time between a signal and the end, in seconds' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l identity -d 'Get a certificate for this identity, and renew it at half its life: spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/ACCOUNT' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l ca-cluster -d 'Cluster of the bootstrap that leads to the certificate service (istio.v1.auth.IstioCertificateService)' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l ca-token -d 'File with the token for the certificate service' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l ca-roots -d 'File with trusted roots, beside the one that comes with the certificate' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l ca-cluster-id -d 'Name of the Kubernetes cluster, for the certificate service' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l ca-lifetime-s -d 'Lifetime of certificates to ask for, in seconds' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l parent-shutdown-time-s -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l drain-strategy -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l base-id -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l restart-epoch -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l file-flush-interval-msec -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l local-address-ip-version -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l component-log-level -r
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l use-dynamic-base-id
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l disable-hot-restart
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l allow-unknown-static-fields
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l reject-unknown-dynamic-fields
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from validate" -s o -l output -d 'How to print what is found' -r -f -a "text\t'One line for each problem, and one for each file without'
json\t'An array of problems'"
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from validate" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from validate" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from validate" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from validate" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from validate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from help" -f -a "run" -d 'Run the embedded proxy with an Envoy bootstrap file'
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from help" -f -a "validate" -d 'Check bootstrap files without starting anything'
complete -c meshctl -n "__fish_meshctl_using_subcommand proxy; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -l from -d 'Who sends it: WORKLOAD, WORKLOAD.NAMESPACE, or `outside` for a request to a gateway' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -l to -d 'Where to, as the client writes it; without a scheme it is http' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -s X -l request -d 'Method' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -s H -l header -d 'A header field; may be repeated. `Host` takes the place of the URL\'s' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -l jwt-claims -d 'Claims of a token that is valid, as NAME=VALUE (may be repeated) or as JSON' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -s f -l filename -d 'Files and directories with manifests; `-` is standard input' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -s n -l namespace -d 'Namespace of objects and workloads that name none' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -s i -l root-namespace -d 'Namespace of the control plane and of mesh-wide configuration' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -l cluster-domain -d 'DNS suffix of the cluster\'s Services' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -s o -l output -d 'How to print it' -r -f -a "human\t'For the terminal'
json\t'One object'
yaml\t'One document'"
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -l graph -d 'A picture of the way instead of the steps' -r -f -a "mermaid\t'A flowchart, as Markdown of GitHub and GitLab shows it'
dot\t'For Graphviz'"
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -l live -d 'Ask a running cluster'
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand simulate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshctl -n "__fish_meshctl_using_subcommand test" -s f -l filename -d 'Files and directories with manifests; `-` is standard input' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand test" -s n -l namespace -d 'Namespace of objects and workloads that name none' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand test" -s i -l root-namespace -d 'Namespace of the control plane and of mesh-wide configuration' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand test" -l cluster-domain -d 'DNS suffix of the cluster\'s Services' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand test" -s o -l output -d 'How to print it' -r -f -a "human\t'A line each, and the steps of those that fail'
json\t'One object'
junit\t'JUnit XML'"
complete -c meshctl -n "__fish_meshctl_using_subcommand test" -l fail-under -d 'Fail when cases reach less than this part of the routes and rules' -r
complete -c meshctl -n "__fish_meshctl_using_subcommand test" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand test" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand test" -l live -d 'Ask a running cluster'
complete -c meshctl -n "__fish_meshctl_using_subcommand test" -l coverage -d 'Tell which routes and rules no case reaches'
complete -c meshctl -n "__fish_meshctl_using_subcommand test" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand test" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshctl -n "__fish_meshctl_using_subcommand version" -s o -l output -d 'How to print it' -r -f -a "text\t''
json\t''
yaml\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand version" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand version" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand version" -l client -d 'Only the version of this program'
complete -c meshctl -n "__fish_meshctl_using_subcommand version" -s s -l short -d 'Only the number, without the name and the platform'
complete -c meshctl -n "__fish_meshctl_using_subcommand version" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand version" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and not __fish_seen_subcommand_from analyze completion control-plane explain local man proxy simulate test version help" -f -a "analyze" -d 'Check manifests: what is rejected, what breaks traffic, what is open to the wrong people'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and not __fish_seen_subcommand_from analyze completion control-plane explain local man proxy simulate test version help" -f -a "completion" -d 'Print the completion script of a shell'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and not __fish_seen_subcommand_from analyze completion control-plane explain local man proxy simulate test version help" -f -a "control-plane" -d 'Run the control plane: configuration in, xDS and certificates out'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and not __fish_seen_subcommand_from analyze completion control-plane explain local man proxy simulate test version help" -f -a "explain" -d 'Explain a finding: what is wrong, why it matters, and how to mend it'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and not __fish_seen_subcommand_from analyze completion control-plane explain local man proxy simulate test version help" -f -a "local" -d 'Run a mesh on this machine, without Kubernetes'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and not __fish_seen_subcommand_from analyze completion control-plane explain local man proxy simulate test version help" -f -a "man" -d 'Write the manual pages into a directory'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and not __fish_seen_subcommand_from analyze completion control-plane explain local man proxy simulate test version help" -f -a "proxy" -d 'Run the embedded proxy, or check its configuration'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and not __fish_seen_subcommand_from analyze completion control-plane explain local man proxy simulate test version help" -f -a "simulate" -d 'Show what happens to a request, step by step, without sending it'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and not __fish_seen_subcommand_from analyze completion control-plane explain local man proxy simulate test version help" -f -a "test" -d 'Run cases: requests, and what the mesh is expected to do with them'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and not __fish_seen_subcommand_from analyze completion control-plane explain local man proxy simulate test version help" -f -a "version" -d 'Print the version of meshctl'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and not __fish_seen_subcommand_from analyze completion control-plane explain local man proxy simulate test version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and __fish_seen_subcommand_from control-plane" -f -a "run" -d 'Serve the mesh that manifests describe'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and __fish_seen_subcommand_from local" -f -a "call" -d 'Send requests from a workload of the local mesh, through its proxy'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and __fish_seen_subcommand_from local" -f -a "graph" -d 'Show who called whom in the local mesh'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and __fish_seen_subcommand_from local" -f -a "status" -d 'Show services and workloads of the local mesh'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and __fish_seen_subcommand_from local" -f -a "stop" -d 'End the local mesh'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and __fish_seen_subcommand_from local" -f -a "up" -d 'Run the mesh of some manifests on this machine'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and __fish_seen_subcommand_from proxy" -f -a "run" -d 'Run the embedded proxy with an Envoy bootstrap file'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and __fish_seen_subcommand_from proxy" -f -a "validate" -d 'Check bootstrap files without starting anything'
