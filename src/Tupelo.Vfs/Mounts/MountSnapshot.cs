// The mount table as walks see it: an immutable map (mount, dentry) -> mount on top of it. Replaced as a whole by MountTable.
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

internal sealed class MountSnapshot
{
    internal static readonly MountSnapshot Empty = new([]);

    private readonly Mount?[] _slots;

    internal MountSnapshot(List<Mount> mounts)
    {
        int capacity = 4;
        while (capacity < mounts.Count * 2)
        {
            capacity *= 2;
        }
        _slots = new Mount?[capacity];
        foreach (Mount mount in mounts)
        {
            MountAttachment at = mount.Attachment!;
            uint index = HashOf(at.Parent, at.MountPoint);
            while (_slots[index & (capacity - 1)] is not null)
            {
                index++;
            }
            _slots[index & (capacity - 1)] = mount;
        }
    }

    // The mount whose root hides (mount, dentry), or null.
    internal Mount? Find(Mount mount, Dentry dentry)
    {
        uint index = HashOf(mount, dentry);
        while (true)
        {
            Mount? candidate = _slots[index & (uint)(_slots.Length - 1)];
            if (candidate is null)
            {
                return null;
            }
            if (candidate.Attachment is { } at && ReferenceEquals(at.Parent, mount) && ReferenceEquals(at.MountPoint, dentry))
            {
                return candidate;
            }
            index++;
        }
    }

    internal bool HasMountOn(Dentry dentry, MountNamespace? mountNamespace)
    {
        foreach (Mount? mount in _slots)
        {
            if (mount is not null && ReferenceEquals(mount.MountPoint, dentry) && ReferenceEquals(mount.Namespace, mountNamespace))
            {
                return true;
            }
        }
        return false;
    }

    private static uint HashOf(Mount mount, Dentry dentry) => (uint)(RuntimeHelpers.GetHashCode(dentry) ^ (mount.Id * 0x9E3779B1));
}
