// Names and values under headings, the names in one column: the output of info and stat.
using System.Text;

namespace Tupelo.Cli;

internal sealed class FieldList(CommandContext context)
{
    private readonly List<(string Name, string Value, bool IsHeading)> _lines = [];

    public void Heading(string text) => _lines.Add((text, "", true));

    public void Field(string name, string value) => _lines.Add((name, value, false));

    public void Print()
    {
        OutputWriter output = context.Output;
        int width = _lines.Where(static line => !line.IsHeading).Select(static line => line.Name.Length).DefaultIfEmpty(0).Max();
        bool first = true;
        foreach ((string name, string value, bool isHeading) in _lines)
        {
            if (isHeading)
            {
                if (!first)
                {
                    output.NewLine();
                }
                output.Write(context.UseColor ? "\x1b[1m"u8 : default);
                output.Name(Encoding.UTF8.GetBytes(name));
                output.Write(context.UseColor ? "\x1b[0m"u8 : default);
            }
            else
            {
                output.Write("  " + (value.Length > 0 ? name.PadRight(width + 2) : name));
                output.Name(Encoding.UTF8.GetBytes(value));
            }
            output.NewLine();
            first = false;
        }
    }
}
