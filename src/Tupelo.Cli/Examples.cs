// Examples at the end of a command's help: what most people look for first.
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Runtime.CompilerServices;

namespace Tupelo.Cli;

internal static class Examples
{
    private static readonly ConditionalWeakTable<Command, string[]> Known = [];

    /// <summary>Gives a command its examples.</summary>
    public static void Add(Command command, params string[] lines) => Known.AddOrUpdate(command, lines);

    /// <summary>The parser's own help, and the examples below it.</summary>
    internal sealed class HelpWithExamples(SynchronousCommandLineAction help) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            int code = help.Invoke(parseResult);
            if (Known.TryGetValue(parseResult.CommandResult.Command, out string[]? lines))
            {
                TextWriter output = parseResult.InvocationConfiguration.Output;
                output.WriteLine("Examples:");
                foreach (string line in lines)
                {
                    output.WriteLine("  " + line);
                }
                output.WriteLine();
            }
            return code;
        }
    }
}
