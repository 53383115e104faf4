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
complete -c meshctl -n "__fish_meshctl_needs_command" -f -a "completion" -d 'Print the completion script of a shell'
complete -c meshctl -n "__fish_meshctl_needs_command" -f -a "man" -d 'Write the manual pages into a directory'
complete -c meshctl -n "__fish_meshctl_needs_command" -f -a "version" -d 'Print the version of meshctl'
complete -c meshctl -n "__fish_meshctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c meshctl -n "__fish_meshctl_using_subcommand completion" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand completion" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand completion" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand completion" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c meshctl -n "__fish_meshctl_using_subcommand man" -l color -d 'When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes' -r -f -a "auto\t''
always\t''
never\t''"
complete -c meshctl -n "__fish_meshctl_using_subcommand man" -l config -d 'Read this configuration file instead of the nearest meshctl.yaml' -r -F
complete -c meshctl -n "__fish_meshctl_using_subcommand man" -s q -l quiet -d 'No progress and no notes on stderr, only errors'
complete -c meshctl -n "__fish_meshctl_using_subcommand man" -l no-config -d 'Read no configuration file, whatever --config or MESHCTL_CONFIG says'
complete -c meshctl -n "__fish_meshctl_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
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
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and not __fish_seen_subcommand_from completion man version help" -f -a "completion" -d 'Print the completion script of a shell'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and not __fish_seen_subcommand_from completion man version help" -f -a "man" -d 'Write the manual pages into a directory'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and not __fish_seen_subcommand_from completion man version help" -f -a "version" -d 'Print the version of meshctl'
complete -c meshctl -n "__fish_meshctl_using_subcommand help; and not __fish_seen_subcommand_from completion man version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
