// A small table: drawn by Spectre.Console on a terminal, plain columns in a pipe.
using System.Text;
using Spectre.Console;

namespace Tupelo.Cli;

/// <summary>A table. A heading that begins with '>' makes its column right-aligned.</summary>
internal sealed class TextTable(CommandContext context, params string[] headings)
{
    private readonly List<string[]> _rows = [];

    public void Row(params string[] cells) => _rows.Add(cells);

    public void Print()
    {
        if (context.UseColor)
        {
            PrintDrawn();
            return;
        }
        string[] titles = [.. headings.Select(static heading => heading.TrimStart('>'))];
        int[] widths = [.. titles.Select((title, column) => _rows.Select(row => row[column].Length).Append(title.Length).Max())];
        foreach (string[] row in _rows.Prepend(titles))
        {
            string line = string.Join("  ", row.Select((cell, column) => headings[column][0] == '>' ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column])));
            context.Output.Name(Encoding.UTF8.GetBytes(line.TrimEnd()));
            context.Output.NewLine();
        }
    }

    private void PrintDrawn()
    {
        var table = new Table { Border = TableBorder.Rounded };
        foreach (string heading in headings)
        {
            table.AddColumn(new TableColumn($"[bold]{heading.TrimStart('>')}[/]") { Alignment = heading[0] == '>' ? Justify.Right : Justify.Left });
        }
        foreach (string[] row in _rows)
        {
            table.AddRow([.. row.Select(static cell => Markup.Escape(NameText.Escape(cell)))]);
        }
        using var text = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.Standard,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = context.Terminal.OutputIsTerminal ? context.Terminal.Width() : 120;
        console.Profile.Capabilities.Unicode = true;
        console.Write(table);
        context.Output.Write(text.ToString());
    }
}
