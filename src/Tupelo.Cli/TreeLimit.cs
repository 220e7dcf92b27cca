using System.Globalization;
using Tupelo.Images;

namespace Tupelo.Cli;

/// <summary>How deep listings go. Each entry's path is printed, so a chain of a million directories in a small hostile image would
/// otherwise print terabytes.</summary>
internal static class TreeLimit
{
    /// <summary>Deepest directory whose entries are listed: as many as a path of PATH_MAX can name.</summary>
    public const int MaxDepth = 2048;

    /// <summary>Tells that something was left out.</summary>
    public static void Report(CommandContext context, TreeWalk walk, bool whenExceeded)
    {
        if (whenExceeded && walk.DepthExceeded)
        {
            context.Error(string.Create(CultureInfo.InvariantCulture, $"directories deeper than {MaxDepth} levels are not listed; name one of them to go on from there"));
        }
    }
}
