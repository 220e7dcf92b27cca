// An IFileProvider over a tree: what ASP.NET Core's static files, Razor and configuration ask for. Nothing is copied to the host.
// Paths come from strangers: "..", empty names and NUL lead nowhere, and symbolic links cannot lead out of the directory served.
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Primitives;

namespace Tupelo.Extensions.FileProviders;

/// <summary>Files of a <see cref="FileTree"/>. Any number of threads. The tree stays the caller's.</summary>
public sealed class VolumeFileProvider : IFileProvider, IDisposable
{
    private readonly FileTree _tree;
    private readonly string _root;
    private readonly ChangeTokenSource? _changes;

    /// <param name="tree">Where the files are.</param>
    /// <param name="root">The directory whose content is provided.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    public VolumeFileProvider(FileTree tree, string root = "/")
    {
        ArgumentNullException.ThrowIfNull(tree);
        ArgumentNullException.ThrowIfNull(root);
        _tree = tree;
        _root = root.TrimEnd('/');
        if (!tree.DirectoryExists(root.Length == 0 ? "/" : root))
        {
            throw new DirectoryNotFoundException($"There is no directory '{root}' in the volume.");
        }
        _changes = tree is MountedTree mounted ? new ChangeTokenSource(mounted, _root) : null;
    }

    /// <inheritdoc/>
    public IFileInfo GetFileInfo(string subpath)
    {
        if (!TryResolve(subpath, out string path) || !_tree.TryGetEntry(path, followLinks: true, out FileEntry entry) || !(entry.IsFile || entry.IsDirectory))
        {
            return new NotFoundFileInfo(subpath);
        }
        return new VolumeFileInfo(_tree, path, entry);
    }

    /// <inheritdoc/>
    public IDirectoryContents GetDirectoryContents(string subpath) =>
        TryResolve(subpath, out string path) && _tree.DirectoryExists(path) ? new VolumeDirectoryContents(_tree, path) : NotFoundDirectoryContents.Singleton;

    /// <summary>A token that fires when a file that matches changes, comes or goes.</summary>
    /// <param name="filter">A path, or a pattern with * (within a name) and ** (any directories), relative to the root.</param>
    public IChangeToken Watch(string filter) =>
        _changes is null || string.IsNullOrEmpty(filter) ? NullChangeToken.Singleton : _changes.TokenFor(filter);

    /// <summary>Ends watching; the tree stays open.</summary>
    public void Dispose() => _changes?.Dispose();

    // Where a path leads without any link in it that leads out: resolved beneath the root as the file layer does it.
    private bool TryResolve(string subpath, out string path)
    {
        path = "";
        if (subpath is null || subpath.Contains('\0', StringComparison.Ordinal))
        {
            return false;
        }
        string[] names = subpath.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (Array.Exists(names, static name => name is "." or ".."))
        {
            return false;
        }
        path = names.Length == 0 ? (_root.Length == 0 ? "/" : _root) : _root + "/" + string.Join('/', names);
        return _root.Length == 0 || _tree.IsBeneath(_root, string.Join('/', names));
    }
}
