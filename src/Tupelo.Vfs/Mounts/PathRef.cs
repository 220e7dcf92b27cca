namespace Tupelo.Vfs;

/// <summary>A place in the composed tree: a name, seen through a mount. Whoever stores one holds a pin on both; see <see cref="TryPin"/>.</summary>
public readonly struct PathRef : IEquatable<PathRef>
{
    internal PathRef(Mount mount, Dentry dentry)
    {
        Mount = mount;
        Dentry = dentry;
    }

    /// <summary>Null in the default value only.</summary>
    public Mount Mount { get; }

    /// <summary>Null in the default value only.</summary>
    public Dentry Dentry { get; }

    public bool IsNull => Dentry is null;

    /// <summary>The file; a pinned place is never negative.</summary>
    public Vnode Vnode => Dentry.Vnode!;

    /// <summary>Keeps both alive: no eviction, no unmount. Undone by <see cref="Unpin"/>.</summary>
    /// <returns>False when one of them is gone for good.</returns>
    public bool TryPin()
    {
        if (!Mount.TryPin())
        {
            return false;
        }
        if (Dentry.TryPin())
        {
            return true;
        }
        Mount.Unpin();
        return false;
    }

    /// <summary>Gives the pin back. May run file system code: no lock may be held.</summary>
    public void Unpin()
    {
        Dentry.Unpin();
        Mount.Unpin();
    }

    public bool Equals(PathRef other) => ReferenceEquals(Mount, other.Mount) && ReferenceEquals(Dentry, other.Dentry);

    public override bool Equals(object? obj) => obj is PathRef other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Mount, Dentry);

    public static bool operator ==(PathRef left, PathRef right) => left.Equals(right);

    public static bool operator !=(PathRef left, PathRef right) => !left.Equals(right);
}
