using System.Collections;
using Microsoft.Extensions.FileProviders;

namespace Tupelo.Extensions.FileProviders;

/// <summary>One file or directory, as it was when it was asked for.</summary>
internal sealed class VolumeFileInfo(FileTree tree, string path, FileEntry entry) : IFileInfo
{
    public bool Exists => true;

    public long Length => entry.IsDirectory ? -1 : entry.Length;

    public string? PhysicalPath => null;

    public string Name => path[(path.LastIndexOf('/') + 1)..];

    public DateTimeOffset LastModified => entry.LastWriteTime;

    public bool IsDirectory => entry.IsDirectory;

    public Stream CreateReadStream() =>
        entry.IsDirectory ? throw new InvalidOperationException($"'{path}' is a directory.") : tree.OpenRead(path);
}

/// <summary>What is in a directory, listed when it is enumerated.</summary>
internal sealed class VolumeDirectoryContents(FileTree tree, string path) : IDirectoryContents
{
    public bool Exists => true;

    public IEnumerator<IFileInfo> GetEnumerator()
    {
        foreach (FileEntry entry in tree.Enumerate(path))
        {
            if (entry.IsSymbolicLink)
            {
                if (tree.TryGetEntry(entry.Path, followLinks: true, out FileEntry target))
                {
                    yield return new VolumeFileInfo(tree, entry.Path, target);
                }
                continue;
            }
            yield return new VolumeFileInfo(tree, entry.Path, entry);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
