namespace Tupelo.Tfs;

/// <summary>The symbols that mean something to a file system, found once; 0 for a name that the volume does not use.</summary>
internal readonly struct TfsWellKnown(SymbolTable symbols)
{
    public readonly int Children = symbols.Find(TfsAttribute.Children);
    public readonly int Extents = symbols.Find(TfsAttribute.Extents);
    public readonly int FileLength = symbols.Find(TfsAttribute.FileLength);
    public readonly int LinkTarget = symbols.Find(TfsAttribute.LinkTarget);
    public readonly int Socket = symbols.Find(TfsAttribute.Socket);
    public readonly int Special = symbols.Find(TfsAttribute.Special);
    public readonly int LinkCount = symbols.Find(TfsAttribute.LinkCount);
    public readonly int AccessTime = symbols.Find(TfsAttribute.AccessTime);
    public readonly int ModifyTime = symbols.Find(TfsAttribute.ModifyTime);
    public readonly int Offset = symbols.Find(TfsAttribute.Offset);
    public readonly int Length = symbols.Find(TfsAttribute.Length);
    public readonly int Allocated = symbols.Find(TfsAttribute.Allocated);
    public readonly int Uninitialized = symbols.Find(TfsAttribute.Uninitialized);
    public readonly int Mode = symbols.Find(TfsAttribute.TupeloMode);
    public readonly int Uid = symbols.Find(TfsAttribute.TupeloUid);
    public readonly int Gid = symbols.Find(TfsAttribute.TupeloGid);
    public readonly int ChangeTime = symbols.Find(TfsAttribute.TupeloChangeTime);
    public readonly int BirthTime = symbols.Find(TfsAttribute.TupeloBirthTime);
    public readonly int Device = symbols.Find(TfsAttribute.TupeloDevice);
}
