// The tree that a read-only file system must hold to run the read-only suite. A fixture that makes images walks Entries; one that
// can write uses Build.
using System.Text;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

/// <summary>One file of the standard tree.</summary>
/// <param name="Path">Relative, UTF-8 when encoded, parents come first.</param>
/// <param name="Type">Type bits: directory, regular or link.</param>
/// <param name="Permissions">Permission bits; root's.</param>
/// <param name="Content">A file's bytes or a link's target.</param>
public sealed record StandardEntry(string Path, uint Type, uint Permissions, ReadOnlyMemory<byte> Content);

/// <summary>What the read-only suite reads.</summary>
public static class StandardTree
{
    /// <summary>Files in the directory "many".</summary>
    public const int ManyCount = 300;

    /// <summary>A name of 100 bytes, and one of more than ASCII.</summary>
    public const string LongName = "long-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-012345678";

    public const string UnicodeName = "\u00e4\u20ac\U0001F600";

    private static readonly byte[] BigContent = MakeBig();

    /// <summary>Content of the file "big".</summary>
    public static ReadOnlySpan<byte> Big => BigContent;

    /// <summary>All entries, parents first. Links only where <paramref name="features"/> has them.</summary>
    public static IEnumerable<StandardEntry> Entries(Features features)
    {
        yield return Directory("d");
        yield return Directory("d/e");
        yield return File("d/e/deep", "deep");
        yield return Directory("none");
        yield return File("f", "content");
        yield return File("empty", string.Empty);
        yield return new StandardEntry("big", S_IFREG, Oct(644), BigContent);
        yield return new StandardEntry("exec", S_IFREG, Oct(755), "#!"u8.ToArray());
        yield return File(LongName, "long");
        yield return File(UnicodeName, "unicode");
        yield return Directory("many");
        for (int i = 0; i < ManyCount; i++)
        {
            yield return File($"many/f{i:D4}", $"{i}");
        }
        if ((features & Features.Symlinks) != 0)
        {
            yield return Link("link", "f");
            yield return Link("dlink", "d");
            yield return Link("dangling", "nowhere");
            yield return Link("absolute", "/work/f");
            yield return Link("loop", "loop");
            yield return Link("d/up", "../f");
        }
    }

    /// <summary>Makes the tree in the working directory.</summary>
    public static void Build(ISyscalls s, Features features)
    {
        foreach (StandardEntry entry in Entries(features))
        {
            byte[] path = Encoding.UTF8.GetBytes(entry.Path);
            switch (entry.Type)
            {
                case S_IFDIR:
                    ProbeSetting.Must(s.MkDir(path, entry.Permissions));
                    break;
                case S_IFLNK:
                    ProbeSetting.Must(s.Symlink(entry.Content.Span, path));
                    break;
                default:
                    int fd = (int)ProbeSetting.Must(s.Open(path, O_CREAT | O_WRONLY | O_EXCL, entry.Permissions));
                    for (ReadOnlySpan<byte> left = entry.Content.Span; !left.IsEmpty;)
                    {
                        left = left[(int)ProbeSetting.Must(s.Write(fd, left))..];
                    }
                    ProbeSetting.Must(s.Close(fd));
                    break;
            }
        }
    }

    private static StandardEntry Directory(string path) => new(path, S_IFDIR, Oct(755), default);

    private static StandardEntry File(string path, string content) => new(path, S_IFREG, Oct(644), Encoding.UTF8.GetBytes(content));

    private static StandardEntry Link(string path, string target) => new(path, S_IFLNK, Oct(777), Encoding.UTF8.GetBytes(target));

    private static byte[] MakeBig()
    {
        byte[] big = new byte[300_001];
        new Random(7).NextBytes(big);
        return big;
    }
}
