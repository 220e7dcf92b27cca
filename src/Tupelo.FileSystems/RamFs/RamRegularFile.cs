// A regular file of RamFs: bytes in a PageMap, and every way of making and removing holes.
using Tupelo.Vfs;

namespace Tupelo.FileSystems;

internal sealed unsafe class RamRegularFile(RamFs fileSystem, ulong ino, in NewVnode make, bool named) : RamVnode(fileSystem, ino, make, named)
{
    private const int PageBytes = PagePool.PageBytes;
    private const int Shift = 12;

    private PageMap _pages;  // Guarded by the vnode's lock.

    protected override IoResult Read(VfsContext context, long offsetBytes, Span<byte> buffer)
    {
        int done = 0;
        while (done < buffer.Length)
        {
            long at = offsetBytes + done;
            int within = (int)at & (PageBytes - 1);
            int count = Math.Min(PageBytes - within, buffer.Length - done);
            nint page = _pages.Get(at >> Shift);
            Span<byte> target = buffer.Slice(done, count);
            if (page == 0 || PageMap.IsUnwritten(page))
            {
                target.Clear();
            }
            else
            {
                new ReadOnlySpan<byte>(PageMap.Address(page) + within, count).CopyTo(target);
            }
            done += count;
        }
        return IoResult.Bytes(done);
    }

    protected override IoResult Write(VfsContext context, long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        int done = 0;
        while (done < buffer.Length)
        {
            long at = offsetBytes + done;
            int within = (int)at & (PageBytes - 1);
            int count = Math.Min(PageBytes - within, buffer.Length - done);
            byte* page = WritablePage(at >> Shift, within, count);
            if (page is null)
            {
                break;
            }
            buffer.Slice(done, count).CopyTo(new Span<byte>(page + within, count));
            done += count;
        }
        SetBlocks();
        return done == 0 ? Errno.ENOSPC : IoResult.Bytes(done);
    }

    protected override Errno SetSize(VfsContext context, long sizeBytes)
    {
        // Also when the size stays: what was allocated beyond it goes.
        if (sizeBytes <= SizeBytes)
        {
            RemoveRange(sizeBytes, long.MaxValue);
            SetBlocks();
        }
        return Errno.None;
    }

    protected override Errno Allocate(VfsContext context, FallocateMode mode, long offsetBytes, long lengthBytes)
    {
        long end = offsetBytes + lengthBytes;
        Errno errno = Errno.None;
        switch (mode)
        {
            case FallocateMode.None:
                errno = Reserve(offsetBytes >> Shift, (end - 1) >> Shift);
                break;
            case FallocateMode.PunchHole:
                RemoveRange(offsetBytes, end);
                break;
            case FallocateMode.ZeroRange:
                errno = ZeroRange(offsetBytes, end);
                break;
            case FallocateMode.CollapseRange:
                Collapse(offsetBytes >> Shift, lengthBytes >> Shift);
                break;
            case FallocateMode.InsertRange:
                Insert(offsetBytes >> Shift, lengthBytes >> Shift);
                break;
            default:
                return Errno.EOPNOTSUPP;
        }
        SetBlocks();
        return errno;
    }

    protected override IoResult FindData(VfsContext context, long offsetBytes, bool hole)
    {
        long size = SizeBytes;
        long index = offsetBytes >> Shift;
        long at = offsetBytes;
        while (at < size)
        {
            nint page = _pages.Get(index);
            bool isHole = page == 0 || PageMap.IsUnwritten(page);
            if (isHole == hole)
            {
                return IoResult.Bytes(at);
            }
            if (page == 0)
            {
                index = _pages.NextPresent(index);
                if (index < 0)
                {
                    break;
                }
            }
            else
            {
                index++;
            }
            at = index << Shift;
        }
        return hole ? IoResult.Bytes(size) : Errno.ENXIO;
    }

    protected override void Evict()
    {
        RemoveRange(0, long.MaxValue);
        base.Evict();
    }

    private void SetBlocks() => SetBlocks512(_pages.Count * (PageBytes / 512));

    // The page to write [within, within + count) of; the rest of a new page is cleared. Null: no space.
    private byte* WritablePage(long index, int within, int count)
    {
        nint page = _pages.Get(index);
        if (page != 0 && !PageMap.IsUnwritten(page))
        {
            return (byte*)page;
        }
        byte* address = page != 0 ? PageMap.Address(page) : Owner.AllocatePage();
        if (address is null)
        {
            return null;
        }
        if (count < PageBytes)
        {
            new Span<byte>(address, within).Clear();
            new Span<byte>(address + within + count, PageBytes - within - count).Clear();
        }
        _pages.Set(index, (nint)address);
        return address;
    }

    private void FreePage(nint page) => Owner.FreePage(PageMap.Address(page));

    // Pages inside of [from, to) go, bytes of pages that are only partly inside become zero.
    private void RemoveRange(long from, long to)
    {
        long firstWhole = (from + PageBytes - 1) >> Shift;
        if (from == 0)
        {
            firstWhole = 0;
        }
        else if (from > long.MaxValue - PageBytes)
        {
            firstWhole = from >> Shift;
        }
        long lastWhole = to == long.MaxValue ? long.MaxValue >> Shift : (to >> Shift) - 1;
        ClearPartial(from, to);
        for (long index = _pages.NextPresent(firstWhole); index >= 0 && index <= lastWhole; index = _pages.NextPresent(index + 1))
        {
            FreePage(_pages.Remove(index));
        }
    }

    // Clears the parts of the first and the last page that [from, to) does not cover as a whole.
    private void ClearPartial(long from, long to)
    {
        long firstPage = from >> Shift;
        int within = (int)from & (PageBytes - 1);
        if (within != 0)
        {
            long pageEnd = ((firstPage + 1) << Shift) < 0 ? long.MaxValue : (firstPage + 1) << Shift;
            ClearBytes(firstPage, within, (int)(Math.Min(to, pageEnd) - from));
            if (to <= pageEnd)
            {
                return;
            }
        }
        if (to != long.MaxValue && ((int)to & (PageBytes - 1)) != 0)
        {
            ClearBytes(to >> Shift, 0, (int)to & (PageBytes - 1));
        }
    }

    private void ClearBytes(long index, int within, int count)
    {
        nint page = _pages.Get(index);
        if (page != 0 && !PageMap.IsUnwritten(page))
        {
            new Span<byte>((byte*)page + within, count).Clear();
        }
    }

    // Gives every page of [first, last] a place; all or nothing.
    private Errno Reserve(long first, long last)
    {
        long index = first;
        for (; index <= last; index++)
        {
            if (_pages.Get(index) == 0)
            {
                byte* page = Owner.AllocatePage();
                if (page is null)
                {
                    break;
                }
                _pages.Set(index, PageMap.Unwritten(page) | NewMark);
            }
        }
        bool failed = index <= last;
        for (long i = _pages.NextPresent(first); i >= 0 && i <= last; i = _pages.NextPresent(i + 1))
        {
            nint page = _pages.Get(i);
            if ((page & NewMark) != 0)
            {
                if (failed)
                {
                    FreePage(_pages.Remove(i) & ~NewMark);
                }
                else
                {
                    _pages.Set(i, page & ~NewMark);
                }
            }
        }
        return failed ? Errno.ENOSPC : Errno.None;
    }

    private Errno ZeroRange(long from, long to)
    {
        Errno errno = Reserve(from >> Shift, (to - 1) >> Shift);
        if (errno != Errno.None)
        {
            return errno;
        }
        ClearPartial(from, to);
        long lastWhole = (to >> Shift) - 1;
        for (long index = (from + PageBytes - 1) >> Shift; index <= lastWhole; index++)
        {
            _pages.Set(index, PageMap.Unwritten(PageMap.Address(_pages.Get(index))));
        }
        return Errno.None;
    }

    private void Collapse(long first, long count)
    {
        for (long index = _pages.NextPresent(first); index >= 0 && index < first + count; index = _pages.NextPresent(index + 1))
        {
            FreePage(_pages.Remove(index));
        }
        for (long index = _pages.NextPresent(first + count); index >= 0; index = _pages.NextPresent(index + 1))
        {
            _pages.Set(index - count, _pages.Remove(index));
        }
    }

    private void Insert(long first, long count)
    {
        for (long index = _pages.PreviousPresent(long.MaxValue >> Shift); index >= first; index = _pages.PreviousPresent(index - 1))
        {
            _pages.Set(index + count, _pages.Remove(index));
        }
    }

    // Marks the pages that the running Reserve has added.
    private const nint NewMark = 2;
}
