// PagePool is where RamFs keeps file bytes: 4 KiB pages cut from 1 MiB slabs of native memory, outside of the collector's heap.
//
// A slab is aligned to its size, so a page's address gives its slab; the slab's first page holds its bookkeeping: a free list
// (each free page's first word points to the next) and a count. A slab that is empty again goes back to the system, except one
// spare per stripe. Stripes keep threads apart: a page is allocated from the caller's stripe and freed to its slab's.
// Pages are handed out with old content: the user clears what must not be seen.
// Locks: one leaf lock per stripe. The finalizer frees what a forgotten file system leaves behind.
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Tupelo.FileSystems;

internal sealed unsafe class PagePool : IDisposable
{
    internal const int PageBytes = 4096;
    private const nuint SlabBytes = 1 << 20;
    private const int PagesPerSlab = ((int)SlabBytes / PageBytes) - 1;
    private const int StripeCount = 8;

    private readonly Stripe[] _stripes = new Stripe[StripeCount];
    private readonly nint _handle;
    private int _disposed;

    internal PagePool()
    {
        for (int i = 0; i < StripeCount; i++)
        {
            _stripes[i] = new Stripe(i);
        }
        _handle = GCHandle.ToIntPtr(GCHandle.Alloc(_stripes));
    }

    ~PagePool() => FreeAll();

    // Slabs held now, for tests.
    internal int SlabCount
    {
        get
        {
            int count = 0;
            foreach (Stripe stripe in _stripes)
            {
                count += stripe.SlabCount;
            }
            return count;
        }
    }

    public void Dispose()
    {
        FreeAll();
        GC.SuppressFinalize(this);
    }

    // Null when the system has no memory left.
    internal byte* Allocate() => _stripes[Environment.CurrentManagedThreadId & (StripeCount - 1)].Allocate();

    internal void Free(byte* page) => _stripes[SlabOf(page)->Stripe].Free(page);

    private static Slab* SlabOf(byte* page) => (Slab*)((nuint)page & ~(SlabBytes - 1));

    private void FreeAll()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            // The stripes are kept alive by the handle until here, also in the finalizer.
            foreach (Stripe stripe in _stripes)
            {
                stripe.FreeAll();
            }
            GCHandle.FromIntPtr(_handle).Free();
        }
    }

    private struct Slab
    {
        internal Slab* Next;       // In the stripe's list of slabs with free pages.
        internal Slab* Previous;
        internal byte* FreeList;   // Pages given back.
        internal int Untouched;    // Pages never handed out, at the slab's end.
        internal int Used;
        internal int Stripe;
    }

    private sealed class Stripe(int index)
    {
        private readonly Lock _mu = new();   // Leaf. Guards the lists and all slabs of the stripe.
        private Slab* _partial;              // Slabs with free pages.
        private Slab* _full;                 // The others, only to be freed at the end.
        private int _empty;                  // Slabs in _partial without a used page.

        internal int SlabCount { get; private set; }

        internal byte* Allocate()
        {
            lock (_mu)
            {
                Slab* slab = _partial;
                if (slab is null)
                {
                    slab = AddSlab();
                    if (slab is null)
                    {
                        return null;
                    }
                }
                if (slab->Used++ == 0)
                {
                    _empty--;
                }
                byte* page = slab->FreeList;
                if (page is not null)
                {
                    slab->FreeList = *(byte**)page;
                }
                else
                {
                    page = (byte*)slab + ((nuint)(PagesPerSlab - slab->Untouched + 1) * PageBytes);
                    slab->Untouched--;
                }
                if (slab->Used == PagesPerSlab)
                {
                    Unlink(ref _partial, slab);
                    Link(ref _full, slab);
                }
                return page;
            }
        }

        internal void Free(byte* page)
        {
            lock (_mu)
            {
                Slab* slab = SlabOf(page);
                Debug.Assert(slab->Used > 0);
                if (slab->Used-- == PagesPerSlab)
                {
                    Unlink(ref _full, slab);
                    Link(ref _partial, slab);
                }
                *(byte**)page = slab->FreeList;
                slab->FreeList = page;
                if (slab->Used == 0 && ++_empty > 1)
                {
                    _empty--;
                    Unlink(ref _partial, slab);
                    NativeMemory.AlignedFree(slab);
                    SlabCount--;
                }
            }
        }

        internal void FreeAll()
        {
            lock (_mu)
            {
                FreeList(ref _partial);
                FreeList(ref _full);
                _empty = 0;
                SlabCount = 0;
            }
        }

        private static void Link(ref Slab* head, Slab* slab)
        {
            slab->Previous = null;
            slab->Next = head;
            if (head is not null)
            {
                head->Previous = slab;
            }
            head = slab;
        }

        private static void Unlink(ref Slab* head, Slab* slab)
        {
            if (slab->Previous is null)
            {
                head = slab->Next;
            }
            else
            {
                slab->Previous->Next = slab->Next;
            }
            if (slab->Next is not null)
            {
                slab->Next->Previous = slab->Previous;
            }
        }

        private static void FreeList(ref Slab* head)
        {
            while (head is not null)
            {
                Slab* slab = head;
                head = slab->Next;
                NativeMemory.AlignedFree(slab);
            }
        }

        private Slab* AddSlab()
        {
            Slab* slab;
            try
            {
                slab = (Slab*)NativeMemory.AlignedAlloc(SlabBytes, SlabBytes);
            }
            catch (OutOfMemoryException)
            {
                return null;
            }
            *slab = new Slab { Untouched = PagesPerSlab, Stripe = index };
            Link(ref _partial, slab);
            _empty++;
            SlabCount++;
            return slab;
        }
    }
}
