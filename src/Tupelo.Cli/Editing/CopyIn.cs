// The words of cp when the destination is in an image: which operand goes where.
using System.CommandLine;
using Tupelo.Tfs;

namespace Tupelo.Cli.Editing;

internal sealed class CopyIn(EditDoor door, EditSession session, CopyOptions options, string? partition)
{
    private readonly CommandContext _context = door.Context;
    private TreeCopier? _copier;
    private long _bytes;
    private long _entries;

    /// <summary>Bytes of files, and entries, that were copied.</summary>
    public (long Bytes, long Entries) Done => (_bytes + (_copier?.Bytes ?? 0), _entries + (_copier?.Entries ?? 0));

    /// <summary>Copies all sources.</summary>
    /// <param name="sources">Paths of the host, of an image, or "-".</param>
    /// <param name="destination">A path in the image that is edited.</param>
    public void Copy(IReadOnlyList<string> sources, byte[] destination)
    {
        bool isDirectory = session.Image.IsDirectory(destination);
        if (!isDirectory && sources.Count > 1)
        {
            throw new CommandException($"{session.Image.Text(destination)}: is no directory, and {sources.Count} files cannot all be it");
        }
        using IDisposable? progress = ProgressLine.Show(_context, "copying", () => (Done.Bytes, 0, Done.Entries, 0));
        foreach (string source in sources)
        {
            CopyOne(source, destination, isDirectory);
        }
    }

    private void CopyOne(string source, byte[] destination, bool isDirectory)
    {
        if (source == "-")
        {
            if (isDirectory)
            {
                throw new CommandException($"{session.Image.Text(destination)}: is a directory; what comes from standard input needs a file's name");
            }
            using Stream input = _context.Terminal.Input();
            Use(session.Host).CopyStream(input, "standard input", destination);
            Finish();
            return;
        }
        if (door.IsInImage(source) && (door.IsBatch ? !door.IsElsewhere(source) : IsSameImage(source)))
        {
            Copy(session.Image, door.PathOf(source), destination, isDirectory);
            return;
        }
        if (door.IsInImage(source))
        {
            using OpenedImage other = OpenedImage.Open(_context, source, partition);
            using EditTree tree = EditTree.OfVolume(
                TfsFileSystem.Mount(other.VolumeDevice, new TfsMountOptions { ReadOnly = true }), other.Address.ImagePath);
            Copy(tree, other.Address.Path.ToArray(), destination, isDirectory);
            return;
        }
        byte[] path = _context.Terminal.ArgumentBytes(source);
        if (!options.Recursive && IsStream(source, path, out bool mayBeEmpty))
        {
            CopyPlain(source, path, destination, isDirectory, mayBeEmpty);
            return;
        }
        Copy(session.Host, path, destination, isDirectory);
    }

    // A pipe, a device, a file of /proc, or /dev/fd/N: its length is not known before it has been read.
    private bool IsStream(string source, byte[] path, out bool mayBeEmpty)
    {
        Errno errno = session.Host.Stat(path, follow: true, out Stat stat);
        mayBeEmpty = errno == Errno.None && stat.Type == FileType.Regular && stat.SizeBytes == 0;
        return errno == Errno.None
            ? mayBeEmpty || stat.Type is FileType.Fifo or FileType.CharDevice or FileType.BlockDevice
            : File.Exists(source);
    }

    private void CopyPlain(string source, byte[] path, byte[] destination, bool isDirectory, bool mayBeEmpty)
    {
        byte[] target = isDirectory ? PathBytes.Join(destination, PathBytes.Name(path)) : destination;
        FileStream input;
        try
        {
            input = new FileStream(source, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            session.Fail($"cannot read {source}: {problem.Message}");
            return;
        }
        using (input)
        {
            int first = mayBeEmpty ? input.ReadByte() : 0;
            if (first < 0 || (mayBeEmpty && !Rewind(input)))
            {
                // Empty in truth: as any other file.
                Copy(session.Host, path, destination, isDirectory);
                return;
            }
            Use(session.Host).CopyStream(input, source, target);
            Finish();
        }
    }

    private static bool Rewind(FileStream input)
    {
        if (!input.CanSeek)
        {
            return false;
        }
        input.Position = 0;
        return true;
    }

    private void Copy(EditTree from, byte[] source, byte[] destination, bool isDirectory)
    {
        ReadOnlySpan<byte> name = PathBytes.Name(source);
        bool contentsOnly = name.IsEmpty;
        byte[] target = isDirectory && !contentsOnly ? PathBytes.Join(destination, name) : destination;
        if (!isDirectory && destination[^1] == '/' && !from.IsDirectory(source))
        {
            session.Fail($"{session.Image.Text(destination)}: is no directory");
            return;
        }
        Use(from).Copy(source, PathBytes.Trim(target), contentsOnly);
        Finish();
    }

    private TreeCopier Use(EditTree from) => _copier = new TreeCopier(session, from, options);

    private void Finish()
    {
        (_bytes, _entries) = Done;
        _copier = null;
    }

    private bool IsSameImage(string operand) => EditDoor.IsSameFile(ImageAddress.Parse(operand, _context.Terminal).ImagePath, session.ImagePath);
}
