package dev.sandlot.control;

/** The store in memory. */
class MemoryStoreTest extends StoreContract {
    @Override
    protected Store open() {
        return new StoreLocation.Memory().open();
    }
}
