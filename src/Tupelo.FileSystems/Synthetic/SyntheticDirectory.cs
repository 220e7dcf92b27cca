// Directories of the kit: one whose names the program adds and removes, and one whose names are made up when they are asked for.
using System.Text;

namespace Tupelo.FileSystems;

/// <summary>A directory that the program fills. Any thread, any time; whoever is listing it meanwhile sees every name that stays exactly once.</summary>
public sealed class SyntheticDirectory : SyntheticVnode
{
    private readonly Lock _childrenMu = new();  // Rank Leaf. Guards the fields below.
    private readonly List<Child> _children = [];  // By ascending cookie.
    private readonly Dictionary<string, Child> _byName = new(StringComparer.Ordinal);
    private long _lastCookie = 2;

    internal SyntheticDirectory(SyntheticFileSystem fileSystem, uint permissions)
        : base(fileSystem, FileType.Directory, permissions)
    {
    }

    private SyntheticFileSystem Owner => (SyntheticFileSystem)FileSystem;

    /// <summary>Adds a directory.</summary>
    /// <exception cref="ArgumentException">The name is taken, or no name.</exception>
    public SyntheticDirectory AddDirectory(string name, uint permissions = 0x16D) => Add(name, new SyntheticDirectory(Owner, permissions));

    /// <summary>Adds a file whose text is generated at each open.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="read">Makes the text for whoever opens it; null when it cannot be read.</param>
    /// <param name="write">Takes what was written in one call, and answers; null when it cannot be written.</param>
    /// <exception cref="ArgumentException">The name is taken, or no name.</exception>
    public void AddFile(string name, Func<VfsContext, string>? read, Func<VfsContext, string, Errno>? write = null) =>
        _ = Add(name, new GeneratedFile(Owner, read, write));

    /// <summary>Adds a symbolic link.</summary>
    /// <exception cref="ArgumentException">The name is taken, or no name.</exception>
    public void AddLink(string name, string target)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(target);
        AddLink(name, _ => bytes);
    }

    /// <summary>Adds a symbolic link whose target depends on who asks.</summary>
    /// <exception cref="ArgumentException">The name is taken, or no name.</exception>
    public void AddLink(string name, Func<VfsContext, byte[]> target) => _ = Add(name, new SyntheticLink(Owner, target, null));

    /// <summary>Adds a link that leads to an object, as /proc/self/cwd does: its text is for people alone.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="target">Finds the place, pinned; null when there is none.</param>
    /// <exception cref="ArgumentException">The name is taken, or no name.</exception>
    public void AddMagicLink(string name, Func<VfsContext, PathRef?> target) => _ = Add(name, SyntheticLink.ToPlace(Owner, target));

    /// <summary>Adds a directory whose names are computed.</summary>
    /// <exception cref="ArgumentException">The name is taken, or no name.</exception>
    public void AddComputed(string name, ComputedNames names) => _ = Add(name, new ComputedDirectory(Owner, names));

    /// <summary>Adds a device node; who is behind it is said by <see cref="VfsKernel.Devices"/>.</summary>
    /// <exception cref="ArgumentException">The name is taken, or no name.</exception>
    public void AddDevice(string name, FileType type, ulong device, uint permissions) => _ = Add(name, new SyntheticNode(Owner, type, device, permissions));

    /// <summary>Takes a name away; what is open stays usable. False when there is no such name.</summary>
    public bool RemoveName(string name)
    {
        lock (_childrenMu)
        {
            if (!_byName.Remove(name, out Child? child))
            {
                return false;
            }
            _ = _children.Remove(child);
            CountLinksLocked();
            return true;
        }
    }

    protected override Errno Lookup(VfsContext context, ReadOnlySpan<byte> name, out Vnode? child)
    {
        child = FindChild(name);
        return child is null ? Errno.ENOENT : Errno.None;
    }

    protected override bool Revalidate(VfsContext context, ReadOnlySpan<byte> name, Vnode? child) => ReferenceEquals(FindChild(name), child);

    protected override Errno ReadDirectory(VfsContext context, long cookie, ref DirectoryWriter writer)
    {
        lock (_childrenMu)
        {
            foreach (Child child in _children)
            {
                if (child.Cookie > cookie && !writer.Add(child.NameBytes, child.Vnode.Ino, child.Vnode.Type, child.Cookie))
                {
                    break;
                }
            }
        }
        return Errno.None;
    }

    private SyntheticVnode? FindChild(ReadOnlySpan<byte> name)
    {
        Span<char> text = stackalloc char[name.Length];
        if (System.Text.Unicode.Utf8.ToUtf16(name, text, out _, out int length, replaceInvalidSequences: false) != System.Buffers.OperationStatus.Done)
        {
            return null;
        }
        lock (_childrenMu)
        {
            return _byName.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text[..length], out Child? child) ? child.Vnode : null;
        }
    }

    private T Add<T>(string name, T vnode)
        where T : SyntheticVnode
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        if (!PackedTreeBuilder.IsValidName(bytes))
        {
            throw new ArgumentException($"\"{name}\" is not a file name", nameof(name));
        }
        lock (_childrenMu)
        {
            var child = new Child(name, bytes, vnode, _lastCookie + 1);
            if (!_byName.TryAdd(name, child))
            {
                throw new ArgumentException($"\"{name}\" is there already", nameof(name));
            }
            _lastCookie++;
            _children.Add(child);
            CountLinksLocked();
        }
        return vnode;
    }

    private void CountLinksLocked()
    {
        VnodeAttributes attributes = Attributes;
        attributes.LinkCount = 2 + (uint)_children.Count(child => child.Vnode.IsDirectory);
        attributes.ModifyTime = attributes.ChangeTime = Owner.Kernel.Clock.Now;
        StoreAttributes(attributes);
    }

    private sealed record Child(string Name, byte[] NameBytes, SyntheticVnode Vnode, long Cookie);
}

/// <summary>What a <see cref="ComputedDirectory"/> shows: numbered links, as /proc/self/fd.</summary>
public abstract class ComputedNames
{
    /// <summary>The first number at or after <paramref name="from"/>, or -1.</summary>
    public abstract int Next(VfsContext context, int from);

    /// <summary>Where the link of a number leads, pinned; null when there is none.</summary>
    public abstract PathRef? Follow(VfsContext context, int number);
}

/// <summary>A directory of numbered links to objects, made up for whoever looks.</summary>
internal sealed class ComputedDirectory(SyntheticFileSystem owner, ComputedNames names) : SyntheticVnode(owner, FileType.Directory, 0x16D)
{
    private const long CookieBase = 3;

    private readonly System.Collections.Concurrent.ConcurrentDictionary<int, SyntheticLink> _links = new();

    protected override Errno Lookup(VfsContext context, ReadOnlySpan<byte> name, out Vnode? child)
    {
        child = TryParse(name, out int number) && names.Next(context, number) == number ? LinkOf(number) : null;
        return child is null ? Errno.ENOENT : Errno.None;
    }

    protected override bool Revalidate(VfsContext context, ReadOnlySpan<byte> name, Vnode? child) =>
        (TryParse(name, out int number) && names.Next(context, number) == number) == child is not null;

    protected override Errno ReadDirectory(VfsContext context, long cookie, ref DirectoryWriter writer)
    {
        Span<byte> text = stackalloc byte[16];
        for (int number = names.Next(context, cookie < CookieBase ? 0 : (int)(cookie - CookieBase + 1)); number >= 0; number = names.Next(context, number + 1))
        {
            _ = System.Buffers.Text.Utf8Formatter.TryFormat(number, text, out int length);
            if (!writer.Add(text[..length], LinkOf(number).Ino, FileType.Symlink, number + CookieBase))
            {
                break;
            }
        }
        return Errno.None;
    }

    private SyntheticLink LinkOf(int number) => _links.GetOrAdd(number, n => SyntheticLink.ToPlace((SyntheticFileSystem)FileSystem, context => names.Follow(context, n)));

    private static bool TryParse(ReadOnlySpan<byte> name, out int number) =>
        System.Buffers.Text.Utf8Parser.TryParse(name, out number, out int used) && used == name.Length && number >= 0 && (name.Length == 1 || name[0] != '0');
}
