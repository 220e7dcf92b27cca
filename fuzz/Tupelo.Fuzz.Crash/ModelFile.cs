// One file object of the oracle: plain fields, and every content that it ever had. See ModelTree.cs.
namespace Tupelo.Fuzz.Crash;

/// <summary>What a regular file held from a step on.</summary>
/// <param name="Step">The step that made it.</param>
/// <param name="Content">All of it; never changed.</param>
/// <param name="Hash">Digest of it.</param>
/// <param name="ModifyTime">As the workload saw it.</param>
internal sealed record ContentVersion(int Step, byte[] Content, UInt128 Hash, Timespec ModifyTime);

internal sealed class ModelFile(int id, FileType type)
{
    /// <summary>Number in the data's stamps.</summary>
    public int Id { get; } = id;

    public FileType Type { get; } = type;

    /// <summary>Tells files of the same name and attributes apart.</summary>
    public Timespec BirthTime { get; init; }

    public uint Permissions { get; set; }

    public uint Uid { get; set; }

    public uint Gid { get; set; }

    public ulong Device { get; set; }

    public uint Links { get; set; } = type == FileType.Directory ? 2u : 0;

    public string Target { get; set; } = "";

    public SortedDictionary<string, byte[]> Xattrs { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, ModelFile> Children { get; } = new(StringComparer.Ordinal);

    /// <summary>In the order of their steps; the first is what it had when it came to be.</summary>
    public List<ContentVersion> Versions { get; } = [];

    /// <summary>Steps that made its content durable, when they returned.</summary>
    public List<int> SyncedAt { get; } = [];

    public byte[] Content => Versions.Count == 0 ? [] : Versions[^1].Content;

    public void SetContent(int step, byte[] content)
    {
        UInt128 hash = Digest.Of(content);
        Timespec time = Versions.Count > 0 ? Versions[^1].ModifyTime : default;
        Versions.Add(new ContentVersion(step, content, hash, time));
    }

    public void SetModifyTime(int step, Timespec time)
    {
        ContentVersion last = Versions[^1];
        if (last.ModifyTime != time)
        {
            Versions.Add(last with { Step = step, ModifyTime = time });
        }
    }

    /// <summary>The last step, not after <paramref name="step"/>, that made its content durable; 0 when none did.</summary>
    public int LastSync(int step)
    {
        int last = 0;
        foreach (int synced in SyncedAt)
        {
            last = synced <= step ? Math.Max(last, synced) : last;
        }
        return last;
    }

    /// <summary>Index in <see cref="Versions"/> of the one that held after <paramref name="step"/>.</summary>
    public int VersionAt(int step)
    {
        int index = 0;
        for (int i = 1; i < Versions.Count && Versions[i].Step <= step; i++)
        {
            index = i;
        }
        return index;
    }
}
