// BootMounter carries out a list of MountSpecs: all or nothing. When one fails, what was done is undone in reverse order, mount points
// that were made included; specs that may fail are reported and passed over. The mounts are undone in reverse order at the end, too.
// What an extraction has put over an existing tree is not taken away again: what was there before is gone.
using System.Text;

namespace Tupelo.FileSystems;

/// <summary>Why a boot table could not be carried out.</summary>
/// <param name="Spec">The line.</param>
/// <param name="Errno">What mount(2), or making the mount point, answered.</param>
public sealed record MountFailure(MountSpec Spec, Errno Errno)
{
    public override string ToString() =>
        $"{Spec.Origin}: cannot mount {(Spec.Type.Length > 0 ? Spec.Type : "\"" + Spec.Source + "\"")} on {Spec.Target}: {Errno.Describe()}"
        + (Errno == Errno.ENODEV ? $" (no file system of type \"{Spec.Type}\")" : string.Empty);
}

/// <summary>Mounts what boot tables say, as one process. One thread.</summary>
public sealed class BootMounter
{
    private readonly Syscalls _sys;
    private readonly VfsKernel _kernel;
    private readonly Stack<Undo> _done = new();

    /// <param name="context">Whose mounts they are; it needs the right to mount.</param>
    public BootMounter(VfsContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        _sys = new Syscalls(context);
        _kernel = context.Kernel;
    }

    /// <summary>Whether there is an initial RAM disk, for conditions.</summary>
    public bool HasInitrd { get; init; }

    /// <summary>Told about specs that failed and may fail.</summary>
    public Action<MountFailure>? Report { get; init; }

    /// <summary>Mounts all specs in order, or none of them.</summary>
    /// <returns>Null, or the one that failed.</returns>
    public MountFailure? Mount(IEnumerable<MountSpec> specs)
    {
        ArgumentNullException.ThrowIfNull(specs);
        int before = _done.Count;
        foreach (MountSpec spec in specs)
        {
            if (spec.OnlyWhenAsked || !IsWanted(spec.Condition))
            {
                continue;
            }
            int own = _done.Count;
            Errno errno = MountOne(spec);
            if (errno == Errno.None)
            {
                continue;
            }
            UndoTo(spec.MayFail ? own : before);
            var failure = new MountFailure(spec, errno);
            if (!spec.MayFail)
            {
                return failure;
            }
            Report?.Invoke(failure);
        }
        return null;
    }

    /// <summary>Mounts the first root candidate that mounts; nothing of the others stays behind. With <paramref name="pivots"/> it becomes "/".</summary>
    /// <returns>Null when there is a root (or no candidate), else the last failure.</returns>
    public MountFailure? MountRoot(IReadOnlyList<MountSpec> candidates, bool pivots)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        MountFailure? failure = null;
        foreach (MountSpec candidate in candidates)
        {
            failure = Mount([candidate]);
            if (failure is not null)
            {
                continue;
            }
            return pivots ? Pivot(candidate) : null;
        }
        return failure;
    }

    /// <summary>Unmounts everything that was mounted here, the last first. Busy ones are detached.</summary>
    public void UnmountAll() => UndoTo(0);

    private bool IsWanted(MountCondition condition) => condition switch
    {
        MountCondition.WithInitrd => HasInitrd,
        MountCondition.WithoutInitrd => !HasInitrd,
        _ => true,
    };

    private Errno MountOne(MountSpec spec)
    {
        byte[] target = Encoding.UTF8.GetBytes(spec.Target);
        if (spec.MakePointMode is { } mode)
        {
            Errno made = MakePoint(target, mode, spec.MakeParents);
            if (made != Errno.None)
            {
                return made;
            }
        }
        if (spec.Extract != ExtractTarget.None)
        {
            return Extract(spec, target);
        }
        Errno errno = ErrnoOf(_sys.Mount(
            Encoding.UTF8.GetBytes(spec.Source), target, spec.Type.Length > 0 ? Encoding.UTF8.GetBytes(spec.Type) : default, spec.Flags, Encoding.UTF8.GetBytes(spec.Options)));
        if (errno == Errno.None && (spec.Flags & MountFlags.Remount) == 0)
        {
            _done.Push(new Undo(target, IsMount: true));
        }
        return errno;
    }

    // Unikraft's "extract": a cpio archive becomes files of the tree. Errors: ENODEV no "cpio" or "ramfs" registered · those of both.
    private Errno Extract(MountSpec spec, byte[] target)
    {
        if (!_kernel.FileSystems.TryFind("cpio", out FileSystemType? type) || type is not CpioFileSystemType archives)
        {
            return Errno.ENODEV;
        }
        Errno errno = archives.OpenTree(spec.Source, new PackedOptions(), out PackedTree? tree);
        if (errno != Errno.None)
        {
            return errno;
        }
        using (tree)
        {
            if (spec.Extract == ExtractTarget.NewRamFs)
            {
                errno = ErrnoOf(_sys.Mount("ramfs"u8, target, "ramfs"u8, spec.Flags & ~MountFlags.ReadOnly, default));
                if (errno != Errno.None)
                {
                    return errno;
                }
                _done.Push(new Undo(target, IsMount: true));
            }
            return new TreeUnpacker(_sys, tree!).UnpackTo(target);
        }
    }

    private MountFailure? Pivot(MountSpec root)
    {
        byte[] target = Encoding.UTF8.GetBytes(root.Target);
        // As switch_root does: the new root is moved over the old one, which stays below it, out of sight.
        Errno errno = ErrnoOf(_sys.ChDir(target));
        errno = errno == Errno.None ? ErrnoOf(_sys.Mount("."u8, "/"u8, default, MountFlags.Move, default)) : errno;
        errno = errno == Errno.None ? ErrnoOf(_sys.ChRoot("."u8)) : errno;
        if (errno != Errno.None)
        {
            _ = _sys.ChDir("/"u8);
            UndoTo(0);
            return new MountFailure(root, errno);
        }
        _done.Clear(); // The root itself ends with its namespace.
        return ErrnoOf(_sys.ChDir("/"u8)) is var left && left == Errno.None ? null : new MountFailure(root, left);
    }

    private Errno MakePoint(byte[] target, uint mode, bool parents)
    {
        for (int at = 1; parents && at < target.Length; at++)
        {
            if (target[at] == '/' && target[at - 1] != '/')
            {
                Errno made = MakeDirectory(target[..at], mode);
                if (made != Errno.None)
                {
                    return made;
                }
            }
        }
        return MakeDirectory(target, mode);
    }

    private Errno MakeDirectory(byte[] path, uint mode)
    {
        Errno errno = ErrnoOf(_sys.MkDirAt(AtFd.CurrentDirectory, path, mode));
        if (errno == Errno.None)
        {
            _done.Push(new Undo(path, IsMount: false));
        }
        return errno == Errno.EEXIST ? Errno.None : errno;
    }

    private void UndoTo(int count)
    {
        while (_done.Count > count)
        {
            Undo last = _done.Pop();
            if (!last.IsMount)
            {
                _ = _sys.UnlinkAt(AtFd.CurrentDirectory, last.Path, AtFlags.RemoveDirectory);
            }
            else if (_sys.Umount2(last.Path) != 0)
            {
                _ = _sys.Umount2(last.Path, UnmountFlags.Detach);
            }
        }
    }

    private static Errno ErrnoOf(long result) => result < 0 ? (Errno)(-result) : Errno.None;

    private sealed record Undo(byte[] Path, bool IsMount);
}
