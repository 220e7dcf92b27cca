// What could follow IMAGE:/some/pa: the names in that directory of the image that begin so.
using System.CommandLine.Completions;
using System.Text;
using System.Text.Unicode;
using Tupelo.Block;
using Tupelo.Images;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class ImageCompletion
{
    private const int MaxSuggestions = 1000;

    /// <summary>Whole words that could replace the one being typed. Never fails: an image that cannot be read suggests nothing.</summary>
    public static IEnumerable<CompletionItem> Suggest(CompletionContext typed, Terminal terminal)
    {
        string word = typed.WordToComplete;
        if (!word.Contains(':'))
        {
            return [];
        }
        try
        {
            ImageAddress address = ImageAddress.Parse(word, terminal);
            if (!File.Exists(address.ImagePath))
            {
                return [];
            }
            using FileBlockDevice device = FileBlockDevice.Open(address.ImagePath, new FileBlockDeviceOptions { ReadOnly = true });
            PartitionTable partitions = PartitionTable.Read(device);
            return List(TfsVolume.Open(partitions.Open(device, PartitionRole.Root, ownsDevice: false)), address, word);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or UsageException)
        {
            return [];
        }
    }

    private static List<CompletionItem> List(TfsVolume volume, ImageAddress address, string word)
    {
        var found = new List<CompletionItem>();
        int typedName = address.Path.Span.LastIndexOf((byte)'/') + 1;
        ReadOnlySpan<byte> begin = address.Path.Span[typedName..];
        if (volume.Resolve(address.Path.Span[..typedName], followLast: true, out TfsNode directory) != Errno.None)
        {
            return found;
        }
        string before = word[..^Encoding.UTF8.GetString(begin).Length];
        var walk = new TreeWalk(volume, directory, default) { MaxDepth = 1 };
        while (walk.MoveNext() && found.Count < MaxSuggestions)
        {
            if (walk.Depth == 1 && walk.Step == WalkStep.Enter && walk.Name.StartsWith(begin) && Utf8.IsValid(walk.Name) && NameText.IsPlain(walk.Name))
            {
                string text = before + Encoding.UTF8.GetString(walk.Name) + (walk.Type == FileType.Directory ? "/" : "");
                found.Add(new CompletionItem(text));
            }
        }
        return found;
    }
}
