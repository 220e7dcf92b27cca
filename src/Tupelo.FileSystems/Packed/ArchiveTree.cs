// ArchiveTree gives the members of an archive their places: paths become names in directories, as if the archive were unpacked
// member by member beneath an empty root, and nothing can be anywhere else.
//
// Rules. Leading slashes mean the root. ".." in a member's name is refused. Directories on the way that the archive does not tell
// of are made. A symbolic link on the way is followed as if the root were the whole world (openat2's RESOLVE_IN_ROOT), 40 times at most.
// When a name comes twice the last one wins; a directory that comes twice keeps what is in it; a directory that is not empty is not replaced.
// One thread.
namespace Tupelo.FileSystems;

internal sealed class ArchiveTree
{
    /// <summary>Longest path of a member.</summary>
    public const int MaxPathBytes = 65536;

    private const int MaxSteps = 4096;
    private const int MaxLinks = 40;

    private readonly PackedNode _implicitDirectory;
    private int _steps;
    private int _links;

    public ArchiveTree(PackedOptions options)
    {
        _implicitDirectory = options.ApplyTo(new PackedNode { Mode = Mode.Directory | 0x1ED });
        _ = Builder.AddNode(_implicitDirectory);
    }

    public PackedTreeBuilder Builder { get; } = new();

    /// <summary>Adds a member under its path, or for a directory that is there already takes its attributes.</summary>
    /// <returns>The node.</returns>
    public int Add(ReadOnlySpan<byte> path, in PackedNode node, long offset)
    {
        int directory = FindPlace(path, create: true, offset, out ReadOnlySpan<byte> name);
        int old = name.IsEmpty ? 0 : Builder.Find(directory, name);
        if (old >= 0 && Builder[old].IsDirectory && node.IsDirectory)
        {
            ref PackedNode known = ref Builder[old];
            known.Mode = node.Mode;
            known.Uid = node.Uid;
            known.Gid = node.Gid;
            known.ModifyTime = node.ModifyTime;
            return old;
        }
        CheckReplaced(old, path, offset);
        int added = Builder.AddNode(node);
        Builder.SetName(directory, name, added, offset);
        return added;
    }

    /// <summary>Gives a file that is there already one more name.</summary>
    public void AddLink(ReadOnlySpan<byte> path, int node, long offset)
    {
        int directory = FindPlace(path, create: true, offset, out ReadOnlySpan<byte> name);
        int old = name.IsEmpty ? 0 : Builder.Find(directory, name);
        if (old == node)
        {
            return;
        }
        CheckReplaced(old, path, offset);
        Builder.SetName(directory, name, node, offset);
    }

    /// <summary>The node at a path, or -1; a symbolic link at the end is not followed.</summary>
    public int Find(ReadOnlySpan<byte> path, long offset)
    {
        int directory = FindPlace(path, create: false, offset, out ReadOnlySpan<byte> name);
        return directory < 0 ? -1 : name.IsEmpty ? 0 : Builder.Find(directory, name);
    }

    private void CheckReplaced(int old, ReadOnlySpan<byte> path, long offset)
    {
        if (old >= 0 && Builder[old].IsDirectory && (old == 0 || Builder[old].Count > 0))
        {
            throw new ImageFormatException($"member \"{ImageText.Show(path)}\" would replace a directory that is not empty", offset);
        }
    }

    // The directory of the last name; an empty name stands for the root.
    private int FindPlace(ReadOnlySpan<byte> path, bool create, long offset, out ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> rest = path;
        while (rest is [.., (byte)'/'] or [.., (byte)'/', (byte)'.'])
        {
            rest = rest[..^1];
        }
        int slash = rest.LastIndexOf((byte)'/');
        name = rest[(slash + 1)..];
        if (name.SequenceEqual("."u8))
        {
            name = default;
        }
        else if (name.SequenceEqual(".."u8))
        {
            throw HasParentReference(path, offset);
        }
        _steps = 0;
        _links = 0;
        return Walk(0, rest[..(slash + 1)], path, isMember: true, create, offset);
    }

    // Follows a path of directories only. Recursion is bounded by MaxLinks.
    private int Walk(int directory, ReadOnlySpan<byte> path, ReadOnlySpan<byte> member, bool isMember, bool create, long offset)
    {
        if (path is [(byte)'/', ..])
        {
            directory = 0;
        }
        while (!path.IsEmpty)
        {
            int slash = path.IndexOf((byte)'/');
            ReadOnlySpan<byte> name = slash < 0 ? path : path[..slash];
            path = slash < 0 ? default : path[(slash + 1)..];
            if (name.IsEmpty || name.SequenceEqual("."u8))
            {
                continue;
            }
            if (++_steps > MaxSteps)
            {
                throw new ImageFormatException($"member \"{ImageText.Show(member)}\" is more than {MaxSteps} directories deep", offset);
            }
            if (name.SequenceEqual(".."u8))
            {
                directory = isMember ? throw HasParentReference(member, offset) : Builder[directory].Parent;
                continue;
            }
            int child = Builder.Find(directory, name);
            if (child < 0)
            {
                if (!create)
                {
                    return -1;
                }
                child = Builder.AddNode(_implicitDirectory);
                Builder.SetName(directory, name, child, offset);
            }
            switch (Builder[child].Type)
            {
                case FileType.Directory:
                    directory = child;
                    break;
                case FileType.Symlink when ++_links <= MaxLinks:
                    directory = Walk(directory, Builder.TargetOf(child).ToArray(), member, isMember: false, create, offset);
                    if (directory < 0)
                    {
                        return -1;
                    }
                    break;
                case FileType.Symlink:
                    throw new ImageFormatException($"member \"{ImageText.Show(member)}\" goes through more than {MaxLinks} symbolic links", offset);
                default:
                    throw new ImageFormatException($"member \"{ImageText.Show(member)}\": \"{ImageText.Show(name)}\" is not a directory", offset);
            }
        }
        return directory;
    }

    private static ImageFormatException HasParentReference(ReadOnlySpan<byte> member, long offset) =>
        new($"member \"{ImageText.Show(member)}\" has \"..\" in its name", offset);
}
