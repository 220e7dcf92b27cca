// What must be gone when the last process of a machine has ended: every open file, mount, process, file system and cached name.
// A vnode or dentry that somebody still holds shows as a file system that does not end or a name that stays.
using Tupelo.Vfs;

namespace Tupelo.Conformance;

/// <summary>The proof that a machine leaves nothing behind.</summary>
public static class KernelLeaks
{
    /// <summary>Asserts it of a kernel whose last context is disposed.</summary>
    public static void AssertNone(VfsKernel kernel)
    {
        kernel.TrimNames();
        var left = new List<string>();
        Note(left, kernel.Statistics.OpenFiles, "open files");
        Note(left, kernel.Statistics.Contexts, "processes");
        Note(left, kernel.Statistics.Mounts, "mounts");
        Note(left, kernel.CachedNames, "cached names");
        foreach (FileSystemType type in kernel.FileSystems.Types)
        {
            Note(left, type.InstanceCount, type.Name + " file systems");
        }
        Assert.True(left.Count == 0, "left behind: " + string.Join(", ", left));
    }

    private static void Note(List<string> left, long count, string what)
    {
        if (count != 0)
        {
            left.Add($"{count} {what}");
        }
    }
}
