"""Indirect addressing: a list of addresses, and data bytes that stand for what the list points at."""

from drivers.dynamixel.control_table import EEPROM_END, ControlTable


class IndirectBlock:
    """The first block of indirect addresses of a servo; `memory` is its control table, read and written in place."""

    def __init__(self, memory: bytearray, table: ControlTable) -> None:
        self.slots = table.indirect_slots
        self.list_start = table.register("indirect_address_1").address
        self.list_end = self.list_start + 2 * self.slots
        self.data_start = table.register("indirect_data_1").address
        self.data_end = self.data_start + self.slots
        self._memory = memory

    def reset(self) -> None:
        """Each slot stands for itself, as after power-on."""
        for slot in range(self.slots):
            at = self.list_start + 2 * slot
            self._memory[at : at + 2] = (self.data_start + slot).to_bytes(2, "little")

    def target(self, address: int) -> int:
        """Where an address of the data really lies; any other address is its own target."""
        slot = address - self.data_start
        if not 0 <= slot < self.slots:
            return address
        at = self.list_start + 2 * slot
        return self._memory[at] | self._memory[at + 1] << 8

    def runs(self, address: int, data: bytes) -> list[tuple[int, bytes]]:
        """What a write to the data really writes, where.

        Consecutive slots that point at consecutive bytes are one write, so that whole registers are checked.
        """
        targets = [self.target(address + k) for k in range(len(data))]
        found, start = [], 0
        for k in range(1, len(targets) + 1):
            if k == len(targets) or targets[k] != targets[k - 1] + 1:
                found.append((targets[start], data[start:k]))
                start = k
        return found

    def accepts(self, address: int, data: bytes) -> bool:
        """False when a write to the list lets an entry point into the EEPROM, which can not be reached that way."""
        memory = bytes(self._memory[self.list_start : self.list_end])
        at = address - self.list_start
        after = memory[:at] + data + memory[at + len(data) :]
        return all(after[k] | after[k + 1] << 8 >= EEPROM_END for k in range(0, len(after), 2))
