// Tupelo's file layer with a file system under test at /work. Root, /shm and /proc are RamFs, so a fault of the file system under
// test is not hidden by another one of its kind.
using Tupelo.FileSystems;
using Tupelo.Vfs;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

/// <summary>A file system under test that is mounted in Tupelo.</summary>
public abstract class TupeloMount : TestMount
{
    public override ReadOnlySpan<byte> ScratchType => "ramfs"u8;

    public override ISyscalls Boot()
    {
        var kernel = new VfsKernel();
        Register(kernel, new RamFsType());
        Prepare(kernel);
        Errno started = kernel.Start("ramfs", "root", MountFlags.None, "mode=755", out VfsContext? first);
        if (started != Errno.None)
        {
            throw new InvalidOperationException($"Tupelo does not start: {started}");
        }
        var s = new TupeloSyscalls(first!, () =>
        {
            KernelLeaks.AssertNone(kernel);
            End();
        });
        try
        {
            foreach (byte[] directory in new[] { "/work"u8.ToArray(), "/shm"u8.ToArray(), "/proc"u8.ToArray() })
            {
                ProbeSetting.Must(s.MkDir(directory, Oct(755)));
            }
            ProbeSetting.Must(s.Mount("shm"u8, "/shm"u8, "ramfs"u8, 0, "mode=1777"u8));
            ProbeSetting.Must(s.Mount("proc"u8, "/proc"u8, "ramfs"u8, 0, "mode=755"u8));
            ProbeSetting.Must(s.MkDir("/proc/self"u8, Oct(555)));
            ProbeSetting.Must(s.Close((int)ProbeSetting.Must(s.Open("/proc/version"u8, O_CREAT | O_WRONLY, Oct(444)))));
            MountWork(s);
            ProbeSetting.Must(s.ChDir("/work"u8));
            ProbeSetting.Must(s.Umask(Oct(22)));
            return s;
        }
        catch
        {
            s.Dispose();
            throw;
        }
    }

    public override string DescribeLocks() => VfsKernel.DescribeLocks();

    /// <summary>Registers the file system's type and whatever it needs.</summary>
    protected virtual void Prepare(VfsKernel kernel)
    {
    }

    /// <summary>Mounts the file system under test at /work.</summary>
    protected abstract void MountWork(ISyscalls s);

    /// <summary>After the last process of the machine.</summary>
    protected virtual void End()
    {
    }

    protected static void Register(VfsKernel kernel, FileSystemType type)
    {
        Errno errno = kernel.FileSystems.Register(type);
        if (errno != Errno.None)
        {
            throw new InvalidOperationException($"{type.Name}: {errno}");
        }
    }
}

/// <summary>RamFs, the reference.</summary>
public sealed class RamFsMount : TupeloMount
{
    public override string Name => "RamFs";

    public override Features Features => Features.All;

    protected override void MountWork(ISyscalls s) => ProbeSetting.Must(s.Mount("work"u8, "/work"u8, "ramfs"u8, 0, "mode=755"u8));
}

/// <summary>RamFs with the standard tree, mounted read-only.</summary>
public sealed class ReadOnlyRamFsMount : TupeloMount
{
    public override string Name => "RamFs, read-only";

    public override Features Features => Features.All & ~Features.Writable;

    protected override void MountWork(ISyscalls s)
    {
        ProbeSetting.Must(s.Mount("work"u8, "/work"u8, "ramfs"u8, 0, "mode=755"u8));
        ProbeSetting.Must(s.Umask(Oct(22)));
        ProbeSetting.Must(s.ChDir("/work"u8));
        StandardTree.Build(s, Features);
        ProbeSetting.Must(s.ChDir("/"u8));
        ProbeSetting.Must(s.Mount("none"u8, "/work"u8, default, MS_REMOUNT | MS_RDONLY, default));
    }
}
