using System.Globalization;
using System.Net;
using System.Text;

namespace Tupelo.Bench;

/// <summary>The ratios as bars on a logarithmic scale: to the right of the line Tupelo is faster. A bar's end is the median, the
/// whisker the quartiles; a pale bar is one whose spread is larger than its length.</summary>
internal static class SvgReport
{
    private const int RowHeight = 18;
    private const int LabelWidth = 430;
    private const int ChartWidth = 560;
    private const double Decades = 2.5; // to each side

    public static void Write(string path, string machine, IReadOnlyList<RaceResult> results)
    {
        var rows = new StringBuilder();
        int y = 50;
        string suite = "";
        foreach (RaceResult result in results)
        {
            if (result.Race.Suite != suite)
            {
                suite = result.Race.Suite;
                y += RowHeight;
                Text(rows, 10, y, suite, "bold");
                y += RowHeight;
            }
            for (int i = 1; i < result.Standings.Count; i++)
            {
                Bar(rows, y, result, i);
                y += RowHeight;
            }
        }
        int height = y + 40;
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{LabelWidth + ChartWidth + 20}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
        Text(svg, 10, 20, "How many times Tupelo's time a peer takes (median of interleaved rounds)", "bold");
        Text(svg, 10, 36, machine, "normal");
        for (int power = -2; power <= 2; power++)
        {
            double x = X(Math.Pow(10, power));
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{x:0}\" x2=\"{x:0}\" y1=\"48\" y2=\"{height - 24}\" stroke=\"{(power == 0 ? "black" : "#ddd")}\"/>\n");
            Text(svg, x - 12, height - 8, Math.Pow(10, power).ToString("0.## x", CultureInfo.InvariantCulture), "normal");
        }
        svg.Append(rows).Append("</svg>\n");
        File.WriteAllText(path, svg.ToString());
    }

    private static void Bar(StringBuilder svg, int y, RaceResult result, int peer)
    {
        RatioVerdict verdict = result.RatioTo(peer, result.Race.Metric);
        Text(svg, 10, y + 4, $"{result.Race.Name}: {result.Standings[peer].Name}", "normal");
        double end = X(verdict.Ratio.Median);
        double left = Math.Min(X(1), end);
        string color = verdict.Ratio.Median >= 1 ? "#2a7f62" : "#b5482f";
        svg.Append(CultureInfo.InvariantCulture,
            $"<rect x=\"{left:0.0}\" y=\"{y - 5}\" width=\"{Math.Max(1, Math.Abs(end - X(1))):0.0}\" height=\"11\" fill=\"{color}\" opacity=\"{(verdict.IsClear ? "1" : "0.35")}\"/>\n");
        svg.Append(CultureInfo.InvariantCulture,
            $"<line x1=\"{X(verdict.Ratio.Lower):0.0}\" x2=\"{X(verdict.Ratio.Upper):0.0}\" y1=\"{y + 0.5}\" y2=\"{y + 0.5}\" stroke=\"black\"/>\n");
        Text(svg, Math.Max(end, X(1)) + 6, y + 4, Figures.Ratio(verdict), "normal");
    }

    private static double X(double ratio) => LabelWidth + (ChartWidth * (0.5 + (Math.Clamp(Math.Log10(ratio), -Decades, Decades) / (2 * Decades * 1.15))));

    private static void Text(StringBuilder svg, double x, double y, string text, string weight) =>
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:0}\" y=\"{y:0}\" font-weight=\"{weight}\">{WebUtility.HtmlEncode(text)}</text>\n");
}
