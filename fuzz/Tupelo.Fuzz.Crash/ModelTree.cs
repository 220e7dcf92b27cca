// The oracle's file system: a tree of dictionaries that does what each step means, with no thought of logs, extents or crashes. It
// shares no code with the product. A step that the product carried out and that makes no sense here is a difference by itself.
using System.Globalization;
using System.Text;

namespace Tupelo.Fuzz.Crash;

/// <summary>The product did what the model does not allow.</summary>
internal sealed class OracleException(string message) : Exception(message);

internal sealed class ModelTree
{
    private const int PageBytes = 4096;

    private int _nextId = 1;

    public ModelTree()
    {
        Root = new ModelFile(0, FileType.Directory) { Permissions = 0x1FF };
    }

    public ModelFile Root { get; private set; }

    /// <summary>A copy whose files have only their present content, as of step 0, all durable.</summary>
    public ModelTree Copy()
    {
        var copies = new Dictionary<ModelFile, ModelFile>();
        return new ModelTree { Root = CopyOf(Root, copies), _nextId = _nextId };
    }

    /// <summary>The file at a path, or null. Nothing is followed.</summary>
    public ModelFile? Find(string path)
    {
        ModelFile? at = Root;
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            at = at is { Type: FileType.Directory } && at.Children.TryGetValue(name, out ModelFile? child) ? child : null;
        }
        return at;
    }

    /// <summary>Carries out a step that the product carried out.</summary>
    /// <param name="operation">What.</param>
    /// <param name="step">Its number, from 1.</param>
    /// <param name="result">What it returned: a count of bytes for those that write.</param>
    /// <exception cref="OracleException">It should have failed.</exception>
    public void Apply(in CrashOperation operation, int step, long result)
    {
        string a = operation.A;
        switch (operation.Kind)
        {
            case OperationKind.Create:
                if (Find(a) is null)
                {
                    NewRegular(a, step, 0x1A4);
                }
                break;
            case OperationKind.MakeDirectory:
                Add(a, NewFile(FileType.Directory, step, 0x1ED));
                break;
            case OperationKind.MakeFifo:
                Add(a, NewFile(FileType.Fifo, step, 0x1B4));
                break;
            case OperationKind.MakeDevice:
                ModelFile device = NewFile(FileType.CharDevice, step, 0x1B4);
                device.Device = (ulong)operation.X;
                Add(a, device);
                break;
            case OperationKind.Symlink:
                ModelFile link = NewFile(FileType.Symlink, step, 0x1FF);
                link.Target = operation.B;
                Add(a, link);
                break;
            case OperationKind.Link:
                Add(operation.B, Must(a));
                break;
            case OperationKind.Unlink:
                Require(Must(a).Type != FileType.Directory, "a directory is unlinked");
                Remove(a);
                break;
            case OperationKind.RemoveDirectory:
                Require(Must(a) is { Type: FileType.Directory, Children.Count: 0 }, "a directory that is not empty is removed");
                Remove(a);
                break;
            case OperationKind.Rename or OperationKind.RenameNoReplace or OperationKind.Exchange or OperationKind.Whiteout:
                Rename(operation, step);
                break;
            case OperationKind.Write or OperationKind.WriteSync or OperationKind.WriteDirect:
                WriteAt(Find(a) ?? NewRegular(a, step, 0x1A4), step, operation.X, result);
                break;
            case OperationKind.Append:
                ModelFile appended = Find(a) ?? NewRegular(a, step, 0x1A4);
                WriteAt(appended, step, appended.Content.Length, result);
                break;
            case OperationKind.Rewrite:
                ModelFile rewritten = Find(a) ?? NewRegular(a, step, 0x1A4);
                if (rewritten.Type == FileType.Regular)
                {
                    rewritten.SetContent(step, []);
                }
                WriteAt(rewritten, step, 0, result);
                break;
            case OperationKind.Truncate:
                Resize(Must(a), step, operation.X);
                break;
            case >= OperationKind.Allocate and <= OperationKind.InsertRange:
                Allocate(operation.Kind, Must(a), step, operation.X, operation.Y);
                break;
            case OperationKind.SetXattr:
                Must(a).Xattrs["user." + operation.B] = XattrValue(step, operation.X);
                break;
            case OperationKind.RemoveXattr:
                Require(Must(a).Xattrs.Remove("user." + operation.B), "an attribute that is not there is removed");
                break;
            case OperationKind.ChangeMode:
                Must(a).Permissions = (uint)operation.X;
                break;
            case OperationKind.ChangeOwner:
                (Must(a).Uid, Must(a).Gid) = ((uint)operation.X, (uint)operation.Y);
                break;
            case OperationKind.TemporaryThenLink:
                ModelFile temporary = NewFile(FileType.Regular, step, 0x180);
                temporary.SetContent(step, []);
                WriteAt(temporary, step, 0, result);
                Add(a, temporary);
                break;
            case OperationKind.WriteUnlinked:
                WriteAt(Must(a), step, 0, result); // it may have another name
                Remove(a);
                break;
            default:
                break; // syncs and times: the run takes note of them
        }
    }

    /// <summary>Carries out a step if it makes sense, as if all of it succeeded.</summary>
    public bool TryApply(in CrashOperation operation, int step)
    {
        try
        {
            Apply(operation, step, operation.Kind is OperationKind.Append or OperationKind.Rewrite or OperationKind.TemporaryThenLink or OperationKind.WriteUnlinked ? operation.X : operation.Y);
            return true;
        }
        catch (OracleException)
        {
            return false;
        }
    }

    /// <summary>The number that the file will have in stamps to which a write at this path goes.</summary>
    public int IdFor(in CrashOperation operation) =>
        operation.Kind != OperationKind.TemporaryThenLink && Find(operation.A) is { } file ? file.Id : _nextId;

    /// <summary>Value of an extended attribute that a step sets.</summary>
    public static byte[] XattrValue(int step, long length)
    {
        byte[] value = new byte[length];
        Stamp.Fill(value, 0x7FFF, step, 0);
        return value;
    }

    /// <summary>Digest of all names and attributes; files by path are added to <paramref name="files"/>.</summary>
    public UInt128 Names(Dictionary<UInt128, ModelFile>? files)
    {
        UInt128 total = 0;
        var linked = new Dictionary<ModelFile, UInt128>();
        var directories = new Stack<(ModelFile Directory, UInt128 Path)>();
        directories.Push((Root, TreeDigest.RootPath));
        total += TreeDigest.File(AttributesOf(Root), TreeDigest.RootPath);
        while (directories.TryPop(out (ModelFile Directory, UInt128 Path) top))
        {
            foreach ((string name, ModelFile file) in top.Directory.Children)
            {
                UInt128 path = TreeDigest.Path(top.Path, Encoding.UTF8.GetBytes(name));
                if (file.Type == FileType.Directory)
                {
                    total += TreeDigest.File(AttributesOf(file), path);
                    directories.Push((file, path));
                    continue;
                }
                linked[file] = linked.GetValueOrDefault(file) + path;
                if (file.Type == FileType.Regular)
                {
                    files?.Add(path, file);
                }
            }
        }
        foreach ((ModelFile file, UInt128 paths) in linked)
        {
            total += TreeDigest.File(AttributesOf(file), paths);
        }
        return total;
    }

    /// <summary>The tree as text, for messages.</summary>
    public string Describe()
    {
        var text = new StringBuilder();
        var stack = new Stack<(string Path, ModelFile File)>();
        stack.Push(("/", Root));
        while (stack.TryPop(out (string Path, ModelFile File) top))
        {
            _ = text.AppendLine(CultureInfo.InvariantCulture, $"  {top.Path} {top.File.Type} {Convert.ToString(top.File.Permissions, 8)} {top.File.Uid}:{top.File.Gid} n{top.File.Links} born {top.File.BirthTime.Seconds} dev {top.File.Device:X} {top.File.Target} {string.Join(' ', top.File.Xattrs.Select(pair => $"{pair.Key}={Digest.Of(pair.Value):X8}"))}");
            foreach ((string name, ModelFile child) in top.File.Children.OrderByDescending(pair => pair.Key, StringComparer.Ordinal))
            {
                stack.Push((top.Path.TrimEnd('/') + "/" + name, child));
            }
        }
        return text.ToString();
    }

    private static UInt128 AttributesOf(ModelFile file)
    {
        UInt128 xattrs = 0;
        foreach ((string name, byte[] value) in file.Xattrs)
        {
            xattrs += TreeDigest.Xattr(Encoding.UTF8.GetBytes(name), value);
        }
        return TreeDigest.Attributes(file.Type, file.Permissions, file.Uid, file.Gid, file.Links, file.Device, Encoding.UTF8.GetBytes(file.Target), file.BirthTime, xattrs);
    }

    private static ModelFile CopyOf(ModelFile file, Dictionary<ModelFile, ModelFile> copies)
    {
        if (copies.TryGetValue(file, out ModelFile? known))
        {
            return known;
        }
        var copy = new ModelFile(file.Id, file.Type) { Permissions = file.Permissions, Uid = file.Uid, Gid = file.Gid, Device = file.Device, Links = file.Links, Target = file.Target, BirthTime = file.BirthTime };
        copies.Add(file, copy);
        foreach ((string name, byte[] value) in file.Xattrs)
        {
            copy.Xattrs.Add(name, value);
        }
        foreach ((string name, ModelFile child) in file.Children)
        {
            copy.Children.Add(name, CopyOf(child, copies));
        }
        if (file.Versions.Count > 0)
        {
            copy.Versions.Add(file.Versions[^1] with { Step = 0 });
        }
        return copy;
    }

    private static void Require(bool condition, string what)
    {
        if (!condition)
        {
            throw new OracleException(what);
        }
    }

    private ModelFile Must(string path) => Find(path) ?? throw new OracleException($"{path} does not exist in the model");

    private (ModelFile Parent, string Name) ParentOf(string path)
    {
        int slash = path.LastIndexOf('/');
        ModelFile parent = Must(path[..slash]);
        Require(parent.Type == FileType.Directory, "the parent is no directory");
        return (parent, path[(slash + 1)..]);
    }

    private void Add(string path, ModelFile file)
    {
        (ModelFile parent, string name) = ParentOf(path);
        Require(!parent.Children.ContainsKey(name), "the name exists");
        parent.Children.Add(name, file);
        file.Links += file.Type == FileType.Directory ? 0u : 1;
        parent.Links += file.Type == FileType.Directory ? 1u : 0;
    }

    private void Remove(string path)
    {
        (ModelFile parent, string name) = ParentOf(path);
        ModelFile file = Must(path);
        _ = parent.Children.Remove(name);
        file.Links -= file.Type == FileType.Directory ? 0u : 1;
        parent.Links -= file.Type == FileType.Directory ? 1u : 0;
    }

    private ModelFile NewFile(FileType type, int step, uint permissions) => new(_nextId++, type) { Permissions = permissions, BirthTime = StepClock.TimeOf(step) };

    private ModelFile NewRegular(string path, int step, uint permissions)
    {
        ModelFile file = NewFile(FileType.Regular, step, permissions);
        file.SetContent(step, []);
        Add(path, file);
        return file;
    }

    private void Rename(in CrashOperation operation, int step)
    {
        ModelFile source = Must(operation.A);
        Require(!operation.B.StartsWith(operation.A + "/", StringComparison.Ordinal) && !operation.A.StartsWith(operation.B + "/", StringComparison.Ordinal), "a directory is moved into itself");
        _ = ParentOf(operation.B);
        ModelFile? target = Find(operation.B);
        if (ReferenceEquals(source, target))
        {
            return; // the same file: rename does nothing
        }
        if (operation.Kind == OperationKind.Exchange)
        {
            Require(target is not null, "an exchange without a partner");
            Remove(operation.A);
            Remove(operation.B);
            Add(operation.A, target!);
            Add(operation.B, source);
            return;
        }
        if (target is not null)
        {
            Require(operation.Kind != OperationKind.RenameNoReplace, "NOREPLACE replaced something");
            Require(target.Type == FileType.Directory ? source.Type == FileType.Directory && target.Children.Count == 0 : source.Type != FileType.Directory, "kinds do not fit");
            Remove(operation.B);
        }
        Remove(operation.A);
        Add(operation.B, source);
        if (operation.Kind == OperationKind.Whiteout)
        {
            Add(operation.A, NewFile(FileType.CharDevice, step, 0));
        }
    }

    private static void WriteAt(ModelFile file, int step, long offset, long count)
    {
        if (count <= 0)
        {
            return;
        }
        byte[] content = file.Content;
        byte[] grown = new byte[Math.Max(content.Length, offset + count)];
        content.CopyTo(grown, 0);
        Stamp.Fill(grown.AsSpan((int)offset, (int)count), file.Id, step, offset);
        file.SetContent(step, grown);
    }

    private static void Resize(ModelFile file, int step, long size)
    {
        byte[] content = file.Content.ToArray();
        Array.Resize(ref content, (int)size);
        file.SetContent(step, content);
    }

    private static void Allocate(OperationKind kind, ModelFile file, int step, long offset, long length)
    {
        byte[] content = file.Content;
        int size = content.Length;
        int from = (int)Math.Min(offset, size);
        int end = (int)Math.Min(offset + length, size);
        switch (kind)
        {
            case OperationKind.Allocate or OperationKind.ZeroRange:
                byte[] grown = new byte[Math.Max(size, offset + length)];
                content.CopyTo(grown, 0);
                if (kind == OperationKind.ZeroRange)
                {
                    grown.AsSpan(from, end - from).Clear();
                }
                file.SetContent(step, grown);
                break;
            case OperationKind.PunchHole or OperationKind.ZeroRangeKeepSize:
                byte[] punched = content.ToArray();
                punched.AsSpan(from, end - from).Clear();
                file.SetContent(step, punched);
                break;
            case OperationKind.CollapseRange:
                Require(offset % PageBytes == 0 && length % PageBytes == 0 && offset + length < size, "a range is collapsed that must not be");
                file.SetContent(step, [.. content.AsSpan(0, from), .. content.AsSpan(end)]);
                break;
            case OperationKind.InsertRange:
                Require(offset % PageBytes == 0 && length % PageBytes == 0 && offset < size, "a range is inserted that must not be");
                file.SetContent(step, [.. content.AsSpan(0, from), .. new byte[length], .. content.AsSpan(from)]);
                break;
            default:
                break; // keep size: nothing that is seen
        }
    }
}
