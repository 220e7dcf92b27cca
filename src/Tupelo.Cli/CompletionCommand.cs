// tupelo completion: a script for a shell, which asks this program ([suggest] of System.CommandLine) what could come next. Without
// an answer the shell completes file names. Paths inside of images are answered too (ImageCompletion).
using System.CommandLine;

namespace Tupelo.Cli;

internal static class CompletionCommand
{
    private const string Bash = """
        # Completion of tupelo for bash. Use it with:  source <(tupelo completion bash)
        _tupelo() {
          local line="${COMP_LINE:0:COMP_POINT}"
          [[ "$line" == *" "* ]] || return
          line="tupelo ${line#* }"
          local word="${line##* }" suggestion
          local before="${word%"${word##*:}"}"
          COMPREPLY=()
          while IFS= read -r suggestion; do
            [[ "$suggestion" == "$word"* ]] || continue
            [[ "$suggestion" == -* && "$word" != -* ]] && continue
            # To bash a ':' begins a new word, so what stands before it must not come again.
            suggestion="${suggestion#"$before"}"
            [[ "$suggestion" == */ ]] && compopt -o nospace 2>/dev/null
            COMPREPLY+=("$suggestion")
          done < <(tupelo "[suggest:${#line}]" "$line" 2>/dev/null)
        }
        complete -o bashdefault -o default -F _tupelo tupelo
        """;

    private const string Zsh = """
        #compdef tupelo
        # Completion of tupelo for zsh. Use it with:  source <(tupelo completion zsh)
        _tupelo() {
          local line="${(j: :)words[1,CURRENT]}"
          local -a found
          found=( ${(f)"$(tupelo "[suggest:${#line}]" "$line" 2>/dev/null)"} )
          found=( ${(M)found:#${words[CURRENT]}*} )
          [[ "${words[CURRENT]}" == -* ]] || found=( ${found:#-*} )
          if (( $#found )); then
            compadd -U -S '' -a found
          else
            _files
          fi
        }
        compdef _tupelo tupelo
        """;

    private const string Fish = """
        # Completion of tupelo for fish. Use it with:  tupelo completion fish | source
        function __tupelo_suggest
            set -l line (commandline -cp)
            set -l word (commandline -ct)
            for suggestion in (tupelo "[suggest:"(string length -- $line)"]" $line 2>/dev/null)
                if string match -q -- "$word*" $suggestion
                    if not string match -q -- '-*' $suggestion; or string match -q -- '-*' $word
                        echo $suggestion
                    end
                end
            end
        end
        complete -c tupelo -a '(__tupelo_suggest)'
        """;

    public static Command Create(CommandContext context)
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion", "Print a script that lets the shell complete tupelo's commands, options and image paths.") { shell };
        Examples.Add(command, "source <(tupelo completion bash)", "tupelo completion fish | source");
        command.SetAction(parsed =>
        {
            context.Output.Line(parsed.GetRequiredValue(shell) switch
            {
                "bash" => Bash,
                "zsh" => Zsh,
                _ => Fish,
            });
            return ExitCode.Done;
        });
        return command;
    }
}
