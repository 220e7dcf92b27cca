// From a file's tuple to a directory that has a name for it: what opening by handle, and ".." of a directory that was opened so, need.
// Built when somebody first asks; four bytes a tuple. Guarded by TfsMetadata's lock.
namespace Tupelo.Tfs;

internal sealed class TfsParentIndex
{
    private readonly ChunkedArray<int> _parents = new();

    /// <summary>The directory; 0 for what has no name. Of several directories that have a name for a file it is one.</summary>
    public int Of(int tuple) => tuple < _parents.Count ? _parents[tuple] : 0;

    /// <summary>A file has a name in a directory, or (0) none any more.</summary>
    public void Set(int tuple, int directory)
    {
        while (_parents.Count <= tuple)
        {
            _ = _parents.Add(0);
        }
        _parents[tuple] = directory;
    }
}
