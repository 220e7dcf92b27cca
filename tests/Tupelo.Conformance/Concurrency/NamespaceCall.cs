// One recorded call of a concurrent history: who, what, when, and the answer.
//
// Every path is one name in a directory that the caller has open, so that a call has one directory to look at (two for link and
// rename): a path of several names is several lookups, each at a moment of its own, in Linux as here.
using System.Globalization;

namespace Tupelo.Conformance;

/// <summary>What was called.</summary>
public enum NamespaceCallKind
{
    /// <summary>open(O_CREAT|O_EXCL).</summary>
    Create,

    /// <summary>open(O_CREAT), then fstat of what it gave.</summary>
    OpenOrCreate,

    MakeDirectory,
    Unlink,
    RemoveDirectory,
    Link,
    Rename,
    Stat,

    /// <summary>stat("..").</summary>
    StatParent,

    ReadDirectory,

    /// <summary>A directory's link count, when everything is quiet.</summary>
    CountLinks,
}

/// <summary>A call and, once it was made, its answer.</summary>
public sealed class NamespaceCall
{
    /// <summary>Whose; also the place of its half-done links in the model.</summary>
    public required int Thread { get; init; }

    public required NamespaceCallKind Kind { get; init; }

    /// <summary>Directory and name; for link and rename the old ones.</summary>
    public required int Directory { get; init; }

    public int Name { get; init; }

    public int NewDirectory { get; init; }

    public int NewName { get; init; }

    /// <summary>Flags of renameat2.</summary>
    public uint Flags { get; init; }

    /// <summary>What a new object is called in this history: its permission bits, so that every stat tells which one it sees.</summary>
    public byte NewId { get; init; }

    public long Invoked { get; set; }

    public long Returned { get; set; }

    /// <summary>0 or a negated errno.</summary>
    public long Result { get; set; }

    /// <summary>The object that was seen.</summary>
    public byte SeenId { get; set; }

    public bool SeenDirectory { get; set; }

    /// <summary>The link count that was seen, or 0 when it says nothing.</summary>
    public int SeenLinks { get; set; }

    /// <summary>For each name, what a listing showed.</summary>
    public ListedKind[] Listed { get; set; } = [];

    public override string ToString()
    {
        static string At(int directory, int name) => string.Create(CultureInfo.InvariantCulture, $"d{directory}/{(char)('w' + name)}");
        string what = Kind switch
        {
            NamespaceCallKind.Link => $"link {At(Directory, Name)} {At(NewDirectory, NewName)}",
            NamespaceCallKind.Rename => $"rename {At(Directory, Name)} {At(NewDirectory, NewName)} flags {Flags}",
            NamespaceCallKind.ReadDirectory => $"readdir d{Directory}",
            NamespaceCallKind.CountLinks => $"links of d{Directory}",
            NamespaceCallKind.StatParent => $"stat d{Directory}/..",
            NamespaceCallKind.Create or NamespaceCallKind.MakeDirectory or NamespaceCallKind.OpenOrCreate => $"{Kind} {At(Directory, Name)} as {NewId}",
            _ => $"{Kind} {At(Directory, Name)}",
        };
        string answer = Result < 0 ? Libc.Describe(Result)
            : Kind == NamespaceCallKind.ReadDirectory ? string.Join(' ', Listed.Select((kind, i) => kind == ListedKind.Absent ? "-" : $"{(char)('w' + i)}:{kind}"))
            : SeenId == 0 && SeenLinks == 0 ? "ok"
            : $"{(SeenDirectory ? "directory" : "file")} {SeenId}{(SeenLinks > 0 ? $" n{SeenLinks}" : "")}";
        return string.Create(CultureInfo.InvariantCulture, $"[{Invoked}..{Returned}] t{Thread} {what} -> {answer}");
    }
}

/// <summary>What a listing says of one name.</summary>
public enum ListedKind : byte
{
    Absent,
    File,
    Directory,
}
